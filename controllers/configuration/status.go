// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/message"
)

// actionValidate is the action that events about configuration objects are about.
const actionValidate = "Validate"

// ConditionOf returns the condition Valid that says what was found.
func ConditionOf(f *config.Finding) metav1.Condition {
	c := metav1.Condition{
		Type: v1beta1.ConditionValid, Status: metav1.ConditionTrue, Reason: f.Reason, Message: message.Bound(f.Message()),
		ObservedGeneration: f.Object.GetGeneration(),
	}
	if f.Reason != v1beta1.ReasonAccepted {
		c.Status = metav1.ConditionFalse
	}
	return c
}

// IsNews reports whether an event is due when a condition Valid is replaced: the object has become invalid, for another reason
// or in another generation.
func IsNews(was, is *metav1.Condition) bool {
	return is.Status == metav1.ConditionFalse &&
		(was == nil || was.Status != is.Status || was.Reason != is.Reason || was.ObservedGeneration != is.ObservedGeneration)
}

// writeStatus writes the status of all objects but the pools, where it has changed.
func (r *Reconciler) writeStatus(ctx context.Context, s *config.Snapshot) (ctrl.Result, error) {
	var result ctrl.Result
	var failures []error
	users := usersOf(s)
	for _, key := range slices.SortedFunc(maps.Keys(s.Findings), active.Key.Compare) {
		finding := s.Findings[key]
		if key.Kind == active.KindIPAddressPool {
			continue // Its counts go into the same write.
		}
		if written, err := r.writeOne(ctx, s, &finding, users[key]); err != nil {
			failures = append(failures, err)
		} else if !written {
			result.RequeueAfter = retryAfter
		}
	}
	err := errors.Join(failures...)
	if err != nil && result.RequeueAfter > 0 {
		// The error would have those wait ever longer of which nothing but a newer version is lacking.
		log.FromContext(ctx).Error(err, "writing the status of some objects, trying again")
		return result, nil
	}
	return result, err
}

// usersOf returns how many advertisements use an alias of each Community, and how many peers name each BFDProfile.
func usersOf(s *config.Snapshot) map[active.Key]int {
	communities, users := map[string]map[string]bool{}, map[active.Key]int{}
	for _, f := range s.Findings {
		switch o := f.Object.(type) {
		case *v1beta1.BGPAdvertisement:
			for _, alias := range o.Spec.Communities {
				if communities[alias] == nil {
					communities[alias] = map[string]bool{}
				}
				communities[alias][o.Name] = true
			}
		case *v1beta2.BGPPeer:
			users[active.Key{Kind: active.KindBFDProfile, Name: o.Spec.BFDProfile}]++
		}
	}
	for key, f := range s.Findings {
		if c, ok := f.Object.(*v1beta1.Community); ok {
			of := map[string]bool{}
			for _, alias := range c.Spec.Communities {
				maps.Copy(of, communities[alias.Name])
			}
			users[key] = len(of)
		}
	}
	return users
}

// writeOne writes the finding into the status of the object, and reports whether it does: if not, and without an error, there is a newer
// version of it than the one that was looked at.
func (r *Reconciler) writeOne(ctx context.Context, s *config.Snapshot, f *config.Finding, users int) (bool, error) {
	current := f.Object
	desired, ok := current.DeepCopyObject().(config.Object)
	if !ok {
		return false, fmt.Errorf("a copy of %T is of another type", current)
	}
	conditions, generation := statusOf(desired)
	was := meta.FindStatusCondition(*conditions, v1beta1.ConditionValid).DeepCopy()
	is := ConditionOf(f)
	meta.SetStatusCondition(conditions, is)
	*generation = is.ObservedGeneration
	switch o := desired.(type) {
	case *v1beta1.BGPAdvertisement:
		cover(&o.Status, s.Routes.Coverage(o.Name))
	case *v1beta1.Community:
		o.Status.Advertisements = bounded(users)
	case *v1beta1.BFDProfile:
		o.Status.Peers = bounded(users)
	}
	if equality.Semantic.DeepEqual(current, desired) {
		return true, nil
	}
	patch := client.MergeFromWithOptions(current, client.MergeFromWithOptimisticLock{})
	switch err := r.Client.Status().Patch(ctx, desired, patch); {
	case apierrors.IsNotFound(err):
		return true, nil // The object is gone.
	case apierrors.IsConflict(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("writing the status of %s: %w", active.KeyOf(current), err)
	}
	if IsNews(was, &is) {
		r.Recorder.Eventf(desired, nil, corev1.EventTypeWarning, v1beta1.ReasonInvalidConfig, actionValidate, "%s", is.Message)
	}
	return true, nil
}

// statusOf returns where the object has its conditions and the generation that they are about.
func statusOf(o config.Object) (*[]metav1.Condition, *int64) {
	switch o := o.(type) {
	case *v1beta2.BGPPeer:
		return &o.Status.Conditions, &o.Status.ObservedGeneration
	case *v1beta1.BGPAdvertisement:
		return &o.Status.Conditions, &o.Status.ObservedGeneration
	case *v1beta1.Community:
		return &o.Status.Conditions, &o.Status.ObservedGeneration
	case *v1beta1.BFDProfile:
		return &o.Status.Conditions, &o.Status.ObservedGeneration
	}
	return new([]metav1.Condition), new(int64)
}

// cover puts into the status what the advertisement covers. How many services are covered is not known here, and stays.
func cover(s *v1beta1.BGPAdvertisementStatus, covered config.Coverage) {
	s.NodesIPv4, s.NodesIPv6 = bounded(covered.NodesIPv4), bounded(covered.NodesIPv6)
	s.PoolCount, s.Pools = bounded(covered.Pools), covered.PoolNames
	s.PeerCount, s.Peers = bounded(covered.Peers), covered.PeerNames
}

// bounded returns the number as a field of the API has it.
func bounded(n int) int32 {
	return int32(min(n, math.MaxInt32)) //nolint:gosec // It fits.
}
