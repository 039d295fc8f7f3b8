// SPDX-License-Identifier: Apache-2.0

package assignment

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
)

// State is how far a Service has come, by its conditions. Each is in one.
type State int

// The states, from the beginning.
const (
	// Pending has no address, or not all that it requests.
	Pending State = iota
	// Unannounced has them, and none is announced, or whether one is cannot be known yet.
	Unannounced
	// PartlyAnnounced has some announced.
	PartlyAnnounced
	// Announced has all announced.
	Announced
)

// States is how many there are.
const States = int(Announced) + 1

// String returns the state as it is called in metrics.
func (s State) String() string {
	return [States]string{"pending", "not_announced", "partly_announced", "announced"}[s]
}

// StateOf returns the state of a Service with these conditions, which are nil where it has none.
func StateOf(allocated, announced *metav1.Condition) State {
	is := func(c *metav1.Condition) bool { return c != nil && c.Status == metav1.ConditionTrue }
	switch {
	case !is(allocated):
		return Pending
	case !is(announced):
		return Unannounced
	case announced.Reason == v1beta1.ReasonPartlyAnnounced:
		return PartlyAnnounced
	default:
		return Announced
	}
}
