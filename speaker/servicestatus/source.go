// SPDX-License-Identifier: Apache-2.0

package servicestatus

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/pace"
	"metallb.io/metallb/speaker/publisher"
	"metallb.io/metallb/speaker/session"
)

func conditionOf(s session.State) condition {
	return condition{carries: s.Carries(), untried: !s.Up() && s.LastError == ""}
}

// refresh observes all sessions.
func (r *Reporter) refresh() {
	r.sessions = map[string]condition{}
	for _, s := range r.options.Sessions() {
		r.sessions[s.Peer] = conditionOf(s)
	}
}

func (r *Reporter) desire(service types.NamespacedName) (status v1beta1.ServiceBGPStatusStatus, untried, wanted bool) {
	peers, wanted := r.announced[service]
	return v1beta1.ServiceBGPStatusStatus{
		Node: r.options.Node, ServiceName: service.Name, ServiceNamespace: service.Namespace,
		Peers: slices.DeleteFunc(slices.Clone(peers), func(peer string) bool { return !r.sessions[peer].carries }),
	}, slices.ContainsFunc(peers, func(peer string) bool { return r.sessions[peer].untried }), wanted
}

func compare(written, is *v1beta1.ServiceBGPStatusStatus) pace.Change {
	if written.Node != is.Node || written.ServiceName != is.ServiceName || written.ServiceNamespace != is.ServiceNamespace ||
		!slices.Equal(written.Peers, is.Peers) {
		return pace.Transition
	}
	return pace.None
}

// identify says what an object is about. One that another product made, or that goes with an earlier Node of the name, is a stray.
func (r *Reporter) identify(o *v1beta1.ServiceBGPStatus, node types.UID) publisher.Identity[types.NamespacedName, v1beta1.ServiceBGPStatusStatus] {
	service := types.NamespacedName{Namespace: o.Labels[v1beta1.LabelServiceNamespace], Name: o.Labels[v1beta1.LabelServiceName]}
	return publisher.Identity[types.NamespacedName, v1beta1.ServiceBGPStatusStatus]{
		Name: o.Name, About: service, Status: o.Status, Stray: o.Name != Name(r.options.Node, service) || !publisher.GoesWith(o, node),
	}
}
