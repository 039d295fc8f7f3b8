// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/flowcontrol"

	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/status"
)

// Reasons of events on Services. Each marks a transition of the service on one node, and none is emitted for what a
// speaker finds when it starts.
const (
	// EventNodeAssigned: the node began to announce the service.
	EventNodeAssigned = "nodeAssigned"
	// EventNodeUnassigned: the node ceased to announce the service. A warning if that was not asked for.
	EventNodeUnassigned = "nodeUnassigned"
)

// Reasons of events on the Node. Each marks a transition, and none is emitted for what a speaker finds when it starts.
const (
	// EventNodeDraining: routers are asked to prefer other nodes. A warning if nobody asked for that.
	EventNodeDraining = "NodeDraining"
	// EventNodeDrained: the node announces nothing any more.
	EventNodeDrained = "NodeDrained"
	// EventNodeServing: the node serves again.
	EventNodeServing = "NodeServing"
)

// EventInvalidConfig is the reason of the event on a configuration object that a node rejects, and on a service about which
// the configuration contradicts itself.
const EventInvalidConfig = "InvalidConfig"

// Actions, the machine-readable counterpart of an event's note. The end of announcing has one for each reason: events of one
// object that differ in the note alone are one event to the API server's clients, which says what the first said.
const (
	actionAnnounce  = "Announce"
	actionWithdraw  = "Withdraw"
	actionConfigure = "Configure"
	actionDrain     = "Drain"
	actionServe     = "Serve"
)

// protocol is how services are announced, in events and metrics.
const protocol = "bgp"

const (
	// maxPeers is how many peers an event names.
	maxPeers = 10
	// eventBurst is how many events about services may be emitted at once, and eventsPerSecond how many after that. Warnings
	// and others are counted apart. What is beyond is only in the log.
	eventBurst      = 500
	eventsPerSecond = 10
)

// eventWriter emits the speaker's events.
type eventWriter struct {
	recorder events.EventRecorder
	node     string
	// normal and warnings bound the events about services.
	normal, warnings flowcontrol.PassiveRateLimiter
	// dropped is called for each event that is not emitted.
	dropped func()
}

func newEventWriter(recorder events.EventRecorder, node string, dropped func()) eventWriter {
	return eventWriter{
		recorder: recorder, node: node, dropped: dropped,
		normal:   flowcontrol.NewTokenBucketPassiveRateLimiter(eventsPerSecond, eventBurst),
		warnings: flowcontrol.NewTokenBucketPassiveRateLimiter(eventsPerSecond, eventBurst),
	}
}

// emit emits an event about a service unless there are too many.
func (w eventWriter) emit(svc *corev1.Service, kind, reason, action, note string) {
	bound := w.normal
	if kind == corev1.EventTypeWarning {
		bound = w.warnings
	}
	if !bound.TryAccept() {
		w.dropped()
		return
	}
	w.recorder.Eventf(svc, nil, kind, reason, action, "%s", message.Bound(note))
}

// assigned names the peers that are told now, and those that will be when they have a session.
func (w eventWriter) assigned(svc *corev1.Service, reported, waiting []string) {
	note := fmt.Sprintf("announcing from node %q with protocol %q", w.node, protocol)
	if len(reported) > 0 {
		note += " to " + listed(reported)
	}
	if len(waiting) > 0 {
		note += ", once the session is established, to " + listed(waiting)
	}
	w.emit(svc, corev1.EventTypeNormal, EventNodeAssigned, actionAnnounce, note)
}

// listed names the first of the peers, and says how many more there are.
func listed(peers []string) string {
	quoted := make([]string, 0, len(peers))
	for _, name := range peers {
		quoted = append(quoted, strconv.Quote(name))
	}
	return message.First(quoted, maxPeers)
}

// unassigned is silent about a service that is deleted, or not of type LoadBalancer any more: both look the same from here, and
// the controller reports the latter.
func (w eventWriter) unassigned(svc *corev1.Service, reason announce.Reason) {
	if svc == nil {
		return
	}
	first := min(1, len(reason))
	action := actionWithdraw + strings.ToUpper(string(reason[:first])) + string(reason[first:])
	w.emit(svc, severity(reason), EventNodeUnassigned, action, fmt.Sprintf("no longer announcing from node %q with protocol %q: %s (%s)",
		w.node, protocol, reason.Describe(), reason))
}

// conflicting says what is announced of each attribute that the advertisements give different values of.
func (w eventWriter) conflicting(svc *corev1.Service, c announce.Conflict) {
	attributes := c.Attributes()
	names, announced, capitalized := make([]string, len(attributes)), make([]string, len(attributes)), make([]string, len(attributes))
	for i, of := range attributes {
		names[i], announced[i], capitalized[i] = of.Field, of.Announced, strings.ToUpper(of.Field[:1])+of.Field[1:]
	}
	w.emit(svc, corev1.EventTypeWarning, EventInvalidConfig, actionAnnounce+strings.Join(capitalized, ""), fmt.Sprintf(
		"BGPAdvertisements that select the service set different values of %s for one prefix and peer; "+
			"node %q announces %s, until their selectors or values are corrected", inWords(names), w.node, inWords(announced)))
}

// inWords lists in a sentence.
func inWords(items []string) string {
	last := len(items) - 1
	if last < 1 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:last], ", ") + " and " + items[last]
}

func (w eventWriter) rejected(object runtime.Object, r policy.Rejection) {
	note := fmt.Sprintf("not in use on node %q: %s", w.node, r.Reason)
	if r.Effect != policy.NotInUse {
		note = fmt.Sprintf("node %q: %s; %s", w.node, r.Reason, r.Effect)
	}
	w.recorder.Eventf(object, nil, corev1.EventTypeWarning, EventInvalidConfig, actionConfigure, "%s", message.Bound(note))
}

// drains tells of a node that drains, is drained, or serves again. The action names the kind of the signal, for the reason given above.
func (w eventWriter) drains(t transition) {
	signal := t.now.Signal
	kind, reason, action, note := corev1.EventTypeNormal, EventNodeDraining, actionDrain+signal.Kind.String(), status.DrainMessage(t.now)
	switch {
	case t.now.Drained:
		reason, action = EventNodeDrained, actionWithdraw+signal.Kind.String()
	case !signal.Any():
		reason, action, note = EventNodeServing, actionServe, "the node serves again: there is no reason to drain it any more"
	case !signal.Withdraws():
		kind = corev1.EventTypeWarning
	}
	w.recorder.Eventf(t.node, nil, kind, reason, action, "%s", message.Bound(note))
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
