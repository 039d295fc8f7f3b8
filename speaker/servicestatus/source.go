// SPDX-License-Identifier: Apache-2.0

package servicestatus

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/publisher"
	"metallb.io/metallb/speaker/session"
)

func conditionOf(s session.State) condition {
	return condition{carried: s.Carried, untried: !s.Up() && s.LastError == ""}
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
	status = v1beta1.ServiceBGPStatusStatus{Node: r.options.Node, ServiceName: service.Name, ServiceNamespace: service.Namespace}
	for _, peer := range slices.Sorted(maps.Keys(peers)) {
		s := r.sessions[peer]
		if s.carried.And(peers[peer]).Any() {
			status.Peers = append(status.Peers, peer)
		}
		untried = untried || s.untried
	}
	return status, untried, wanted
}

func compare(written, is *v1beta1.ServiceBGPStatusStatus) publisher.Change {
	if written.Node != is.Node || written.ServiceName != is.ServiceName || written.ServiceNamespace != is.ServiceNamespace ||
		!slices.Equal(written.Peers, is.Peers) {
		return publisher.Transition
	}
	return publisher.None
}

// Object returns the object of a service on a node. It has always the same name, so that none is made twice.
func Object(node string, service types.NamespacedName) *v1beta1.ServiceBGPStatus {
	return &v1beta1.ServiceBGPStatus{ObjectMeta: metav1.ObjectMeta{
		Name: publisher.ObjectName(node+"-"+service.Namespace+"-"+service.Name, node+"/"+service.String()),
		Labels: map[string]string{
			v1beta1.LabelServiceName: publisher.Label(service.Name), v1beta1.LabelServiceNamespace: publisher.Label(service.Namespace),
		},
	}}
}

// read says what an object is about. One that another product made is not one of these.
func (r *Reporter) read(o *v1beta1.ServiceBGPStatus) (service types.NamespacedName, status v1beta1.ServiceBGPStatusStatus, ok bool) {
	service = types.NamespacedName{Namespace: o.Labels[v1beta1.LabelServiceNamespace], Name: o.Labels[v1beta1.LabelServiceName]}
	return service, o.Status, o.Name == Object(r.options.Node, service).Name
}
