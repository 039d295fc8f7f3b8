// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/endpoint"
)

// tally is how many endpoints there are of a family, and on which nodes those are that get connections.
type tally struct {
	slices                    int
	ready, terminating, unfit int
	// portless are those that nobody sends connections to, as their slices have no port.
	portless int
	nodes    map[string]bool
}

func (t *trail) tally(f family) tally {
	n := tally{nodes: map[string]bool{}}
	all := t.Slices[keyOf(t.svc)]
	for i := range all {
		if is, known := endpoint.FamilyOf(&all[i]); !known || is != f.Family {
			continue
		}
		n.slices++
		if !endpoint.HasPort(&all[i]) {
			n.portless += len(all[i].Endpoints)
			continue
		}
		for j := range all[i].Endpoints {
			n.add(&all[i].Endpoints[j])
		}
	}
	return n
}

func (n *tally) add(e *discoveryv1.Endpoint) {
	switch endpoint.StateOf(e) {
	case endpoint.Ready:
		n.ready++
	case endpoint.Draining:
		n.terminating++
	case endpoint.Unusable:
		n.unfit++
		return
	}
	if e.NodeName != nil {
		n.nodes[*e.NodeName] = true
	}
}

func (n *tally) usable() int { return n.ready + n.terminating }

func (n *tally) String() string {
	parts := []string{fmt.Sprintf("%d ready", n.ready)}
	if n.terminating > 0 {
		parts = append(parts, fmt.Sprintf("%d terminating and still serving", n.terminating))
	}
	if n.unfit > 0 {
		parts = append(parts, fmt.Sprintf("%d not ready", n.unfit))
	}
	if n.portless > 0 {
		parts = append(parts, fmt.Sprintf("%d without the port", n.portless))
	}
	return strings.Join(parts, ", ")
}

// endpoints says which endpoints of the family get connections, and returns the nodes among those that can announce that have somewhere to
// send connections to; nil if none has.
func (t *trail) endpoints(f family, able []string) []string {
	subject := f.subject("endpoints")
	n := t.tally(f)
	if n.usable() == 0 {
		t.noEndpoint(subject, &n)
		return nil
	}
	if t.svc.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal {
		t.chain.Good(subject, "%s", n.String())
		return able
	}
	var local []string
	for _, name := range able {
		if n.nodes[name] {
			local = append(local, name)
		}
	}
	on := named(slices.Sorted(maps.Keys(n.nodes)))
	switch {
	case len(local) > 0:
		t.chain.Good(subject, "%s, on %s; with externalTrafficPolicy Local %d of the %s that can announce do", n.String(), on, len(local), nodesText(len(able)))
	case len(able) > 0:
		t.chain.Bad(subject, v1beta1.ReasonNoEndpoints,
			fmt.Sprintf("externalTrafficPolicy is Local and no endpoint is ready on a node that could announce: %s, on %s", n.String(), on),
			Run("have every node announce", serviceTarget(t.svc).patch("externalTrafficPolicy", corev1.ServiceExternalTrafficPolicyCluster)))
	default:
		t.chain.Good(subject, "%s, on %s", n.String(), on)
	}
	return local
}

// noEndpoint says why there is no endpoint that gets connections.
func (t *trail) noEndpoint(subject string, n *tally) {
	selector := labels.Set(t.svc.Spec.Selector).String()
	pods := func(verb string) string {
		return command("kubectl", verb, "pods", "-n", t.svc.Namespace, "-l", selector)
	}
	bad := func(text string, remedy Remedy) { t.chain.Bad(subject, v1beta1.ReasonNoEndpoints, text, remedy) }
	switch {
	case n.unfit == 0 && n.portless > 0:
		bad("no endpoint is ready: "+n.String()+" that spec.ports[].targetPort of the Service names: their EndpointSlices have no ports",
			Do("give the containers of the pods a port of that name, or set targetPort to a number"))
	case n.unfit > 0:
		remedy := Do("find out why whoever writes the EndpointSlices has them not ready")
		if selector != "" {
			remedy = Run("see why", pods("describe"))
		}
		bad("no endpoint is ready: "+n.String(), remedy)
	case selector == "":
		bad("no endpoint is ready: the Service has no selector, and nobody has written EndpointSlices for it",
			Do("set spec.selector, or write EndpointSlices with the label %s: %s", discoveryv1.LabelServiceName, t.svc.Name))
	default:
		bad("no endpoint is ready: no pod that has an address of the family matches the selector "+selector, Run("look for the pods", pods("get")))
	}
}
