// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/plugin/cluster"
)

const allocationSubject = "allocation"

// allocation says whether the Service holds what it requests, and if not, why.
func (t *trail) allocation() {
	c := conditionOf(t.svc, v1beta1.ConditionAllocated)
	request, err := assignment.RequestOf(t.svc, t.NamespaceLabels(t.svc.Namespace))
	switch {
	case err != nil:
		t.chain.Bad(allocationSubject, "InvalidRequest", "the Service contradicts itself: "+err.Error(), t.withoutContradiction())
		return
	case !NeedsServices(t.svc):
		return
	case !t.Has(cluster.Services):
		t.unjudged(c)
		return
	}
	a := t.allocator()
	result, refusal := a.Allocate(request)
	switch {
	case refusal != nil:
		t.refusal(a, &request, refusal, t.chain.Bad)
	case result.Missing != nil:
		t.refusal(a, &request, result.Missing, t.chain.Doubtful)
	case c == nil:
		t.chain.Bad(allocationSubject, "Pending", "the controller has not looked at the Service yet", Run("see what it does", t.logs()))
	case c.Status != metav1.ConditionTrue:
		t.chain.Bad(allocationSubject, c.Reason, c.Message+" (that is over as it seems, but the controller has not said so)", Run("see what it does", t.logs()))
	}
}

// unjudged says what the controller says, where it is not known what others hold.
func (t *trail) unjudged(c *metav1.Condition) {
	if c != nil && c.Status != metav1.ConditionTrue {
		t.chain.Bad(allocationSubject, c.Reason, c.Message, Do("ask somebody who may list Services and Namespaces to explain it"))
		return
	}
	t.chain.Note(allocationSubject, "who else holds addresses is not known, since you may not list Services")
}

// withoutContradiction returns how to leave the choice of the address to the load balancer, of which the contradictions are about.
func (t *trail) withoutContradiction() Remedy {
	if t.svc.Spec.LoadBalancerIP != "" && assignment.Annotation(t.svc, v1beta1.AnnotationLoadBalancerIPs) != "" {
		return Run("leave the address to the annotation", serviceTarget(t.svc).patch("loadBalancerIP", ""))
	}
	return t.withoutAddress()
}

// withoutAddress returns how to request no address in particular.
func (t *trail) withoutAddress() Remedy {
	const text = "let MetalLB choose another address"
	object := serviceTarget(t.svc)
	if assignment.Annotation(t.svc, v1beta1.AnnotationLoadBalancerIPs) == "" {
		return Run(text, object.patch("loadBalancerIP", ""))
	}
	return Run(text, object.annotate(assignment.Written(t.svc, v1beta1.AnnotationLoadBalancerIPs)+"-"))
}

// allocator returns one that knows what all Services hold, as far as they are read.
func (t *trail) allocator() *allocator.Allocator {
	a := allocator.New()
	a.SetPools(t.pools)
	for i := range t.Services {
		svc := &t.Services[i]
		if !assignment.Served(svc, t.Class) {
			continue
		}
		held := assignment.Ours(svc, t.pools)
		if len(held) == 0 {
			continue
		}
		request, _ := assignment.RequestOf(svc, t.NamespaceLabels(svc.Namespace)) // One that contradicts itself holds what it holds all the same.
		a.Hydrate(request, held)
	}
	return a
}

// refusal adds a link for each reason: those that concern pools together.
func (t *trail) refusal(a *allocator.Allocator, r *allocator.Request, refusal *allocator.Refusal, add func(subject, reason, text string, remedies ...Remedy)) {
	for _, reason := range refusal.Reasons {
		if reason.Family == "" {
			add(allocationSubject, string(reason.Cause), refused(reason), t.ofAddress(a, r, reason)...)
		}
	}
	for _, family := range r.Families {
		var reasons []allocator.Reason
		for _, reason := range refusal.Reasons {
			if reason.Family == family {
				reasons = append(reasons, reason)
			}
		}
		if len(reasons) > 0 {
			add(allocationSubject, string(reasons[0].Cause), refused(reasons...), t.ofPools(a, r, reasons)...)
		}
	}
}

// ofPools returns what gets the Service an address of a family: another pool, if one would give it, or a change of the pool that is in question.
func (t *trail) ofPools(a *allocator.Allocator, r *allocator.Request, reasons []allocator.Reason) []Remedy {
	cause, family := reasons[0].Cause, reasons[0].Family
	if other, found := t.otherPool(a, *r); found {
		return []Remedy{other}
	}
	pool := reasons[0].Pool
	if pool == "" {
		pool = t.nearestPool(r, cause)
	}
	switch cause {
	case allocator.FamilyAvoided:
		return []Remedy{Run("let the pool give addresses that end in .0 and .255", t.poolTarget(pool).patch("avoidBuggyIPs", false))}
	case allocator.NotSelected:
		return t.admit(pool)
	case allocator.PoolExhausted, allocator.FamilyMissing:
		if pool != "" {
			return []Remedy{Run(fmt.Sprintf("add a range to the pool, with %s addresses of your network for RANGE", family),
				t.poolTarget(pool).add("/spec/addresses", "RANGE"))}
		}
	default:
	}
	name := unused(t.Written.Pools, "default")
	if cause == allocator.PoolNotFound {
		name = pool // Of no other pool the Service would be given an address.
	}
	for i := range t.Written.Pools {
		if written := t.Written.Pools[i].Name; !t.gives(written) && (cause != allocator.PoolNotFound || written == name) {
			return []Remedy{Run("correct the pool", t.poolTarget(written).edit())}
		}
	}
	return []Remedy{Run("create a pool, with addresses of your network for RANGE",
		target{"IPAddressPool", name, t.Namespace}.create(map[string]any{"addresses": []string{"RANGE"}}))}
}

// otherPool returns how to request addresses of a pool that would give them.
func (t *trail) otherPool(a *allocator.Allocator, r allocator.Request) (Remedy, bool) {
	would := func(pool string) bool {
		r.Pool = pool
		result, refusal := a.Allocate(r)
		return refusal == nil && result.Missing == nil
	}
	object := serviceTarget(t.svc)
	if r.Pool != "" && would("") {
		return Run("let MetalLB choose the pool", object.annotate(assignment.Written(t.svc, v1beta1.AnnotationAddressPool)+"-")), true
	}
	for i := range t.pools {
		if name := t.pools[i].Name; would(name) {
			return Run(fmt.Sprintf("request addresses of pool %q", name), object.annotate(v1beta1.AnnotationAddressPool+"="+name)), true
		}
	}
	return Remedy{}, false
}

// nearestPool returns the first pool that has the cause.
func (t *trail) nearestPool(r *allocator.Request, cause allocator.Cause) string {
	for i := range t.pools {
		for _, reason := range standing(&t.pools[i], *r) {
			if reason.Cause == cause {
				return t.pools[i].Name
			}
		}
	}
	return ""
}

// ofAddress returns what gets the Service out of the way of the reason that concerns one address.
func (t *trail) ofAddress(a *allocator.Allocator, r *allocator.Request, reason allocator.Reason) []Remedy {
	object, by := serviceTarget(t.svc), target{"service", reason.By.Name, reason.By.Namespace}
	other := t.otherAddress(a, r, reason.Address)
	switch reason.Cause {
	case allocator.NotSelected:
		return append(t.admit(reason.Pool), other)
	case allocator.NotInRequestedPool:
		return []Remedy{Run("request that pool", object.annotate(v1beta1.AnnotationAddressPool+"="+reason.Pool)), other}
	case allocator.SharingKeyMissing:
		if r.Sharing.Key != "" {
			return []Remedy{other, Run("have the other share it", by.annotate(v1beta1.AnnotationAllowSharedIP+"="+r.Sharing.Key))}
		}
		return []Remedy{other, Run("share it", object.annotate(v1beta1.AnnotationAllowSharedIP+"="+t.sharingOf(reason.By).Key))}
	case allocator.SharingKeyDiffers:
		return []Remedy{other, Run("share it", object.annotate(v1beta1.AnnotationAllowSharedIP+"="+t.sharingOf(reason.By).Key))}
	case allocator.TrafficPolicyDiffers:
		policy := corev1.ServiceExternalTrafficPolicyCluster
		if t.sharingOf(reason.By).Local {
			policy = corev1.ServiceExternalTrafficPolicyLocal
		}
		return []Remedy{other, Run("use the same policy", object.patch("externalTrafficPolicy", policy))}
	default:
		return []Remedy{other}
	}
}

// sharingOf returns on what terms another Service shares addresses.
func (t *trail) sharingOf(key types.NamespacedName) allocator.Sharing {
	svc, found := t.Service(key)
	if !found {
		return allocator.Sharing{}
	}
	r, _ := assignment.RequestOf(svc, nil) // The terms are known even if it contradicts itself.
	return r.Sharing
}

// otherAddress returns how to request another address than that: none in particular, or, where the Service names none, a free one.
func (t *trail) otherAddress(a *allocator.Allocator, r *allocator.Request, in netip.Addr) Remedy {
	if len(r.Addresses) > 0 && !holds(r, in) {
		return t.withoutAddress()
	}
	free := *r
	free.Service.Name += "/" // No Service has that name.
	free.Addresses, free.Recorded, free.Sharing, free.Families = nil, nil, allocator.Sharing{}, []corev1.IPFamily{allocator.FamilyOf(in)}
	result, refusal := a.Allocate(free)
	if refusal != nil {
		return Do("request another address for one of the two")
	}
	addresses := []string{result.Assignments[0].Address.String()}
	for _, as := range r.Recorded {
		if as.Address != in {
			addresses = append(addresses, as.Address.String())
		}
	}
	const text = "request an address that is free"
	if t.svc.Spec.LoadBalancerIP != "" {
		return Run(text, serviceTarget(t.svc).patch("loadBalancerIP", addresses[0]))
	}
	return Run(text, serviceTarget(t.svc).annotate(v1beta1.AnnotationLoadBalancerIPs+"="+strings.Join(addresses, ",")))
}

func holds(r *allocator.Request, address netip.Addr) bool {
	return slices.ContainsFunc(r.Recorded, func(as allocator.Assignment) bool { return as.Address == address })
}

// holding says which address the Service holds, of which pool, and who shares it.
func (t *trail) holding(h *config.Holding) {
	const subject = "address"
	pool, contained := t.pools.Find(h.Address)
	if !contained {
		t.incompatible(h)
		return
	}
	text := fmt.Sprintf("%s of pool %q", h.Address, pool.Name)
	if n, known := t.available(pool.Name, allocator.FamilyOf(h.Address)); known {
		text += fmt.Sprintf(", %s free", n)
	}
	var sharing []string
	for i := range t.Services {
		s := &t.Services[i]
		if keyOf(s) != keyOf(t.svc) && slices.Contains(assignment.IngressTexts(s), h.Address.String()) {
			sharing = append(sharing, strconv.Quote(keyOf(s).String()))
		}
	}
	if len(sharing) > 0 {
		text += "; shared with " + named(sharing)
	}
	t.chain.Good(subject, "%s", text)
}

// incompatible says that the Service holds an address that no pool contains any more.
func (t *trail) incompatible(h *config.Holding) {
	pool := ""
	for _, name := range h.Recorded {
		if t.gives(name) {
			pool = name
		}
	}
	switch {
	case pool != "":
		t.chain.Doubtful("address", v1beta1.ReasonInvalidConfig, fmt.Sprintf("%s is in no pool any more; the Service keeps it", h.Address),
			Run("add it to the pool again", t.poolTarget(pool).add("/spec/addresses", netip.PrefixFrom(h.Address, h.Address.BitLen()).String())),
			Run("let MetalLB give the Services of the pool other addresses", t.poolTarget(pool).annotate(v1beta1.AnnotationAllowDisruption+"=true")))
	case len(h.Recorded) > 0:
		t.chain.Doubtful("address", v1beta1.ReasonInvalidConfig, fmt.Sprintf("%s is of pool %q, which is deleted; the Service keeps it", h.Address, strings.Join(h.Recorded, ",")),
			Run("create the pool again, with this address", target{"IPAddressPool", h.Recorded[0], t.Namespace}.create(
				map[string]any{"addresses": []string{netip.PrefixFrom(h.Address, h.Address.BitLen()).String()}})))
	default:
		t.chain.Doubtful("address", v1beta1.ReasonNoPool, fmt.Sprintf("%s is in no IPAddressPool: another load balancer assigned it", h.Address))
	}
}

// available returns how many addresses of the family the pool has, as its status says; false if it does not.
func (t *trail) available(pool string, family corev1.IPFamily) (text string, known bool) {
	for i := range t.Written.Pools {
		p := &t.Written.Pools[i]
		if p.Name != pool || p.Status.ObservedGeneration == 0 {
			continue
		}
		n := p.Status.AvailableIPv4
		if family == corev1.IPv6Protocol {
			n = p.Status.AvailableIPv6
		}
		if n == math.MaxInt64 { // It is saturated, and says how many there are at least.
			return "over 9e18", true
		}
		return strconv.FormatInt(n, 10), true
	}
	return "", false
}
