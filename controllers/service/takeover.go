// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
)

// Takeover makes writes fail that a former leader decided and that have not reached the API server yet: each names the version of
// the Service that it is for, so it is refused once the Service has another one.
type Takeover struct {
	Client client.Client
	// Identity is unique for this process, so that to write it is a change.
	Identity string
	// Predecessor reports whether there may be such writes.
	Predecessor func() bool
	// Concurrency is how many Services are marked side by side.
	Concurrency int
}

// takeOver marks the Services that a former leader can have been about to write: those whose status does not say what they are to
// have. It comes before the first address is given. If one of them has changed since it was listed, what it says now has to be
// replayed, and an error says so.
func (h *Hydration) takeOver(ctx context.Context, services []corev1.Service, namespaces map[string]labels.Set) error {
	if h.Takeover == nil || !h.Takeover.Predecessor() {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(h.Takeover.Concurrency)
	marked := 0
	for i := range services {
		svc := &services[i]
		if svc.Annotations[v1beta1.AnnotationTakenOverBy] == h.Takeover.Identity || !h.isUnsettled(svc, namespaces[svc.Namespace]) {
			continue
		}
		marked++
		group.Go(func() error { return h.mark(ctx, svc) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if marked > 0 {
		log.FromContext(ctx).Info("marked services that a former controller may be about to write", "services", marked)
	}
	return nil
}

// isUnsettled reports whether the Service's status differs from what it is to have, or may differ for one who knows of other
// addresses in use. It follows the Reconciler, which writes no address to a Service that contradicts itself or is about to go.
func (h *Hydration) isUnsettled(svc *corev1.Service, namespace labels.Set) bool {
	request, err := assignment.RequestOf(svc, namespace)
	if err != nil || svc.DeletionTimestamp != nil {
		return false
	}
	result, refusal := h.allocator.Allocate(request)
	return refusal != nil || result.Missing != nil ||
		!slices.Equal(assignment.IngressTexts(svc), texts(result.Addresses()))
}

// mark gives the Service another version.
func (h *Hydration) mark(ctx context.Context, svc *corev1.Service) error {
	marked := svc.DeepCopy()
	metav1.SetMetaDataAnnotation(&marked.ObjectMeta, v1beta1.AnnotationTakenOverBy, h.Takeover.Identity)
	patch, err := patchOf(svc, marked)
	if err != nil {
		return err
	}
	err = h.Takeover.Client.Status().Patch(ctx, marked, patch)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("marking service %s/%s as taken over: %w", svc.Namespace, svc.Name, err)
	}
	if err == nil {
		h.replayed.add(marked)
	}
	return nil
}
