// SPDX-License-Identifier: Apache-2.0

package transport

import "metallb.io/metallb/api/bgp"

// Restart is what this side's OPEN says of what is left from before it (RFC 4724 section 3).
type Restart struct {
	// Restarted is whether this side has restarted, so that the peer does not wait for its routes before it sends its own.
	Restarted bool
	// Preserved are the families whose packets this side has gone on to forward. The peer drops the routes that it has kept of others.
	Preserved bgp.Families
}

const (
	// restartSize is the size of the capability without families: flags and time. With restartedFlag the sender has restarted, with
	// notificationFlag it supports RFC 8538.
	restartSize      = 2
	restartedFlag    = 0x80
	notificationFlag = 0x40
	// A family has restartFamilySize octets, the last one with preservedFlag if its forwarding state is preserved.
	restartFamilySize = 4
	preservedFlag     = 0x80
)

// markRestart sets the flags of the capability in an OPEN. One without families is left: its sender only keeps the routes of others.
func markRestart(m message, r Restart) {
	capabilities(m.body()[9:], func(code byte, value []byte) {
		if code != gracefulRestart || len(value) <= restartSize {
			return
		}
		setFlag(&value[0], restartedFlag, r.Restarted)
		for b := value[restartSize:]; len(b) >= restartFamilySize; b = b[restartFamilySize:] {
			f := familyAt(b[:2], b[2])
			setFlag(&b[3], preservedFlag, f == ipv4 && r.Preserved.IPv4 || f == ipv6 && r.Preserved.IPv6)
		}
	})
}

func setFlag(octet *byte, flag byte, isSet bool) {
	*octet &^= flag
	if isSet {
		*octet |= flag
	}
}
