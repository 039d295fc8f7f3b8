// SPDX-License-Identifier: Apache-2.0

package session

import "fmt"

// Notification is the error code and subcode of a NOTIFICATION message (RFC 4271 section 4.5).
type Notification struct {
	Code, Subcode uint8
}

// BadPeerAS reports whether the receiver is not in the autonomous system that the sender expects.
func (n Notification) BadPeerAS() bool {
	return n == Notification{2, 2}
}

// BadIdentity reports whether the receiver's OPEN was refused for its ASN or router ID, or without a reason.
func (n Notification) BadIdentity() bool {
	return n.Code == 2 && (n.Subcode == 0 || n.Subcode == 2 || n.Subcode == 3)
}

// HoldTimerExpired reports whether the sender waited in vain for a message.
func (n Notification) HoldTimerExpired() bool {
	return n.Code == 4
}

// String names code and subcode as the RFCs do, for instance "Cease/Administrative Shutdown".
func (n Notification) String() string {
	name, subcodes := names(n.Code)
	switch {
	case name == "":
		return fmt.Sprintf("code %d/subcode %d", n.Code, n.Subcode)
	case n.Subcode == 0:
		return name
	case int(n.Subcode) <= len(subcodes) && subcodes[n.Subcode-1] != "":
		return name + "/" + subcodes[n.Subcode-1]
	default:
		return fmt.Sprintf("%s/subcode %d", name, n.Subcode)
	}
}

// names returns the name of an error code and those of its subcodes from 1 on; "" where none is assigned.
func names(code uint8) (name string, subcodes []string) {
	switch code {
	case 1: // RFC 4271 section 6.1
		return "Message Header Error", []string{"Connection Not Synchronized", "Bad Message Length", "Bad Message Type"}
	case 2: // RFC 4271 section 6.2, RFC 5492, RFC 9234
		return "OPEN Message Error", []string{
			"Unsupported Version Number", "Bad Peer AS", "Bad BGP Identifier", "Unsupported Optional Parameter",
			"", "Unacceptable Hold Time", "Unsupported Capability", "", "", "", "Role Mismatch",
		}
	case 3: // RFC 4271 section 6.3
		return "UPDATE Message Error", []string{
			"Malformed Attribute List", "Unrecognized Well-known Attribute", "Missing Well-known Attribute",
			"Attribute Flags Error", "Attribute Length Error", "Invalid ORIGIN Attribute", "",
			"Invalid NEXT_HOP Attribute", "Optional Attribute Error", "Invalid Network Field", "Malformed AS_PATH",
		}
	case 4: // RFC 4271 section 6.5
		return "Hold Timer Expired", nil
	case 5: // RFC 6608
		return "Finite State Machine Error", []string{
			"Unexpected Message in OpenSent", "Unexpected Message in OpenConfirm", "Unexpected Message in Established",
		}
	case 6: // RFC 4486, RFC 8538, RFC 9384
		return "Cease", []string{
			"Maximum Number of Prefixes Reached", "Administrative Shutdown", "Peer De-configured",
			"Administrative Reset", "Connection Rejected", "Other Configuration Change",
			"Connection Collision Resolution", "Out of Resources", "Hard Reset", "BFD Down",
		}
	case 7: // RFC 7313
		return "ROUTE-REFRESH Message Error", []string{"Invalid Message Length"}
	case 8: // RFC 9687
		return "Send Hold Timer Expired", nil
	default:
		return "", nil
	}
}
