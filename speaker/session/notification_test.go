// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"testing"

	"metallb.io/metallb/speaker/session"
)

func TestNotificationsAreNamedAsInTheRFCs(t *testing.T) {
	t.Parallel()
	tests := map[session.Notification]string{
		{Code: 1, Subcode: 3}:   "Message Header Error/Bad Message Type",
		{Code: 2, Subcode: 2}:   "OPEN Message Error/Bad Peer AS",
		{Code: 2, Subcode: 5}:   "OPEN Message Error/subcode 5",
		{Code: 2, Subcode: 11}:  "OPEN Message Error/Role Mismatch",
		{Code: 3, Subcode: 11}:  "UPDATE Message Error/Malformed AS_PATH",
		{Code: 4}:               "Hold Timer Expired",
		{Code: 5, Subcode: 1}:   "Finite State Machine Error/Unexpected Message in OpenSent",
		{Code: 6}:               "Cease",
		{Code: 6, Subcode: 2}:   "Cease/Administrative Shutdown",
		{Code: 6, Subcode: 10}:  "Cease/BFD Down",
		{Code: 6, Subcode: 99}:  "Cease/subcode 99",
		{Code: 7, Subcode: 1}:   "ROUTE-REFRESH Message Error/Invalid Message Length",
		{Code: 8}:               "Send Hold Timer Expired",
		{Code: 77, Subcode: 12}: "code 77/subcode 12",
	}
	for n, want := range tests {
		if got := n.String(); got != want {
			t.Errorf("%d/%d is %q, want %q", n.Code, n.Subcode, got, want)
		}
	}
}
