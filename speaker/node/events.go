// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"metallb.io/metallb/api/notice"
	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/policy"
)

// Reasons of events on Services. Each marks a transition of the service on one node, and none is emitted for what a
// speaker finds when it starts.
const (
	// EventNodeAssigned: the node began to announce the service.
	EventNodeAssigned = "nodeAssigned"
	// EventNodeUnassigned: the node ceased to announce the service. A warning if that was not asked for.
	EventNodeUnassigned = "nodeUnassigned"
)

// EventInvalidConfig is the reason of the event on a configuration object that a node rejects, and on a service about which
// the configuration contradicts itself.
const EventInvalidConfig = "InvalidConfig"

// Actions, the machine-readable counterpart of an event's note.
const (
	actionAnnounce  = "Announce"
	actionWithdraw  = "Withdraw"
	actionConfigure = "Configure"
)

// protocol is how services are announced, in events and metrics.
const protocol = "bgp"

// eventWriter emits the speaker's events.
type eventWriter struct {
	recorder events.EventRecorder
	node     string
}

func (w eventWriter) assigned(svc *corev1.Service) {
	w.recorder.Eventf(svc, nil, corev1.EventTypeNormal, EventNodeAssigned, actionAnnounce,
		"announcing from node %q with protocol %q", w.node, protocol)
}

// unassigned is silent about a service that is deleted.
func (w eventWriter) unassigned(svc *corev1.Service, reason announce.Reason) {
	if svc == nil {
		return
	}
	w.recorder.Eventf(svc, nil, severity(reason), EventNodeUnassigned, actionWithdraw,
		"no longer announcing from node %q with protocol %q: %s (%s)", w.node, protocol, reason.Describe(), reason)
}

func (w eventWriter) conflicting(svc *corev1.Service) {
	w.recorder.Eventf(svc, nil, corev1.EventTypeWarning, EventInvalidConfig, actionAnnounce,
		"BGPAdvertisements that select the service set different values of localPref for one prefix and peer; "+
			"node %q announces the highest, until their selectors or values are corrected", w.node)
}

func (w eventWriter) rejected(object runtime.Object, r policy.Rejection) {
	w.recorder.Eventf(object, nil, corev1.EventTypeWarning, EventInvalidConfig, actionConfigure,
		"%s", notice.Bound(fmt.Sprintf("not in force on node %q: %s", w.node, r.Reason)))
}

// severity is a warning where a service that worked may not work any more and nobody asked for that.
func severity(reason announce.Reason) string {
	switch reason {
	case announce.InvalidIP, announce.IPNotAllowed, announce.NoMatchingAdvertisement,
		announce.NodeNetworkUnavailable, announce.NoEndpoints:
		return corev1.EventTypeWarning
	default:
		return corev1.EventTypeNormal
	}
}
