// SPDX-License-Identifier: Apache-2.0

package validity

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/message"
)

// verdict is an object as it is, and with the status that it should have.
type verdict struct {
	current, desired client.Object
	// was and is are the conditions Valid of the two; was is nil if there is none yet.
	was *metav1.Condition
	is  metav1.Condition
}

// judge returns the verdicts on all objects but the pools. The order of the objects is of no consequence.
func judge(all config.Objects, nodes []config.Node) []verdict {
	aliases := all.Aliases()
	routes := config.NewRoutes(all, nodes)
	// To an advertisement every pool matters, however old.
	succession := config.NewSuccession(config.Objects{Pools: all.Pools}, nodes)
	verdicts := make([]verdict, 0, len(all.Peers)+len(all.Communities)+len(all.Advertisements))
	for _, p := range byAge(all.Peers) {
		verdicts = append(verdicts, decide(&p, p.DeepCopy(), succession.Next(&p)))
	}
	for _, c := range byAge(all.Communities) {
		desired := c.DeepCopy()
		desired.Status.Advertisements = bounded(users(&c, all.Advertisements))
		verdicts = append(verdicts, decide(&c, desired, succession.Next(&c)))
	}
	for _, a := range byAge(all.Advertisements) {
		faults := append(succession.Next(&a), undefined(&a, aliases)...)
		desired := a.DeepCopy()
		cover(&desired.Status, routes.Coverage(a.Name))
		verdicts = append(verdicts, decide(&a, desired, faults))
	}
	return verdicts
}

// byAge returns the objects sorted, the oldest first.
func byAge[O any, P interface {
	*O
	metav1.Object
}](objects []O,
) []O {
	return slices.SortedFunc(slices.Values(objects), func(a, b O) int {
		x, y := P(&a), P(&b)
		created := y.GetCreationTimestamp()
		return cmp.Or(x.GetCreationTimestamp().Compare(created.Time), strings.Compare(x.GetName(), y.GetName()))
	})
}

// users returns how many of the advertisements use an alias of the community.
func users(c *v1beta1.Community, advertisements []v1beta1.BGPAdvertisement) int {
	aliases := make(map[string]bool, len(c.Spec.Communities))
	for _, alias := range c.Spec.Communities {
		aliases[alias.Name] = true
	}
	count := 0
	for i := range advertisements {
		if slices.ContainsFunc(advertisements[i].Spec.Communities, func(name string) bool { return aliases[name] }) {
			count++
		}
	}
	return count
}

// undefined reports aliases that the advertisement uses and nobody defines: it is not in force without them.
func undefined(a *v1beta1.BGPAdvertisement, aliases bgp.Aliases) field.ErrorList {
	parsed, _ := bgp.ParseAdvertisement(a)
	if _, err := bgp.ResolveCommunities(parsed.Communities, aliases); err != nil {
		return field.ErrorList{field.Invalid(field.NewPath("spec", "communities"), field.OmitValueType{}, err.Error())}
	}
	return nil
}

// cover puts into the status what the advertisement covers. How many services are covered is not known here, and stays.
func cover(s *v1beta1.BGPAdvertisementStatus, covered config.Coverage) {
	s.NodesIPv4, s.NodesIPv6 = bounded(covered.NodesIPv4), bounded(covered.NodesIPv6)
	s.PoolCount, s.Pools = bounded(covered.Pools), covered.PoolNames
	s.PeerCount, s.Peers = bounded(covered.Peers), covered.PeerNames
}

// decide puts the condition into the desired object.
func decide(current, desired client.Object, faults field.ErrorList) verdict {
	before, _ := status(current)
	conditions, generation := status(desired)
	is := condition(current.GetGeneration(), faults)
	meta.SetStatusCondition(conditions, is)
	*generation = is.ObservedGeneration
	return verdict{current, desired, meta.FindStatusCondition(*before, v1beta1.ConditionValid), is}
}

// status returns where the object has its conditions and the generation that they tell of.
func status(o client.Object) (*[]metav1.Condition, *int64) {
	switch o := o.(type) {
	case *v1beta2.BGPPeer:
		return &o.Status.Conditions, &o.Status.ObservedGeneration
	case *v1beta1.BGPAdvertisement:
		return &o.Status.Conditions, &o.Status.ObservedGeneration
	case *v1beta1.Community:
		return &o.Status.Conditions, &o.Status.ObservedGeneration
	}
	return new([]metav1.Condition), new(int64)
}

// condition returns the condition Valid.
func condition(generation int64, faults field.ErrorList) metav1.Condition {
	c := metav1.Condition{
		Type: v1beta1.ConditionValid, Status: metav1.ConditionTrue, Reason: v1beta1.ReasonAccepted,
		Message: "valid as written", ObservedGeneration: generation,
	}
	if len(faults) > 0 {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1beta1.ReasonInvalidConfig, message.Bound(faults.ToAggregate().Error())
	}
	return c
}

// bounded returns the number as a field of the API has it.
func bounded(n int) int32 {
	return int32(min(n, math.MaxInt32)) //nolint:gosec // It fits.
}
