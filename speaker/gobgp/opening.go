// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"errors"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"golang.org/x/sys/unix"

	"metallb.io/metallb/speaker/session"
)

// answerTime is how long a message of a peer is waited for, to be looked at. It is what the removal of a peer may take longer
// that accepts connections and then says nothing; what comes later is just not looked at.
const answerTime = 500 * time.Millisecond

// answer is what matters of a message that a peer sends on a new connection: its first, or the one after its OPEN.
type answer struct {
	// asn is what its OPEN says, 0 if it is none.
	asn uint32
	// refusal is the NOTIFICATION that it is, nil if it is none, and communication the text in that.
	refusal       *session.Notification
	communication string
}

// awaitAnswer waits for the next message on the connection to the peer, and leaves it to be read. GoBGP does not tell what is
// in an OPEN that it refuses, nor in a NOTIFICATION that refuses its own; only the socket has it. It is called while GoBGP
// logs that it is about to read that message, so that nobody else reads it.
func awaitAnswer(peer netip.AddrPort) answer {
	deadline := time.Now().Add(answerTime)
	var found answer
	for _, fd := range connectionsTo(peer) {
		if found == (answer{}) {
			found = peek(fd, time.Until(deadline))
		}
		_ = unix.Close(fd)
	}
	return found
}

// peek looks at the next message of a socket without taking it.
func peek(fd int, patience time.Duration) answer {
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}} //nolint:gosec // A descriptor fits.
	for deadline := time.Now().Add(patience); ; {
		n, err := unix.Poll(ready, int(max(0, time.Until(deadline)).Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue // The runtime sends its threads signals.
		}
		if n == 0 || err != nil {
			return answer{}
		}
		break
	}
	buffer := make([]byte, bgp.BGP_MAX_MESSAGE_LENGTH)
	n, _, err := unix.Recvfrom(fd, buffer, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	if err != nil || n <= 0 {
		return answer{}
	}
	return parseAnswer(buffer[:n])
}

// connectionsTo returns duplicates of this process's sockets that are connected to the peer, for the caller to close.
func connectionsTo(peer netip.AddrPort) []int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil
	}
	var found []int
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || !isConnectedTo(fd, peer) {
			continue
		}
		// Whoever owns the descriptor may have closed it by now, and another have its number.
		duplicate, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			continue
		}
		if !isConnectedTo(duplicate, peer) {
			_ = unix.Close(duplicate)
			continue
		}
		found = append(found, duplicate)
	}
	return found
}

func isConnectedTo(fd int, peer netip.AddrPort) bool {
	to, err := unix.Getpeername(fd)
	if err != nil {
		return false
	}
	switch to := to.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(to.Addr) == peer.Addr().Unmap() && to.Port == int(peer.Port())
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(to.Addr).Unmap() == peer.Addr().Unmap().WithZone("") && to.Port == int(peer.Port())
	default:
		return false
	}
}

// parseAnswer reads a message, which may be anything.
func parseAnswer(b []byte) answer {
	header := &bgp.BGPHeader{}
	if len(b) < bgp.BGP_HEADER_LENGTH || header.DecodeFromBytes(b) != nil || len(b) < int(header.Len) {
		return answer{}
	}
	if header.Type != bgp.BGP_MSG_OPEN && header.Type != bgp.BGP_MSG_NOTIFICATION {
		return answer{}
	}
	m, err := bgp.ParseBGPBody(header, b[bgp.BGP_HEADER_LENGTH:header.Len])
	if err != nil {
		return answer{}
	}
	switch body := m.Body.(type) {
	case *bgp.BGPOpen:
		return answer{asn: asnOf(body)}
	case *bgp.BGPNotification:
		n := session.Notification{Code: body.ErrorCode, Subcode: body.ErrorSubcode}
		return answer{refusal: &n, communication: communicationOf(n, body.Data)}
	default:
		return answer{}
	}
}

// asnOf returns the ASN of an OPEN, which has one of four octets in a capability (RFC 6793 section 4.1).
func asnOf(open *bgp.BGPOpen) uint32 {
	for _, parameter := range open.OptParams {
		capabilities, ok := parameter.(*bgp.OptionParameterCapability)
		if !ok {
			continue
		}
		for _, c := range capabilities.Capability {
			if four, ok := c.(*bgp.CapFourOctetASNumber); ok {
				return four.CapValue
			}
		}
	}
	return uint32(open.MyAS)
}

// communicationOf returns the shutdown communication in the data of a NOTIFICATION (RFC 9003 section 2).
func communicationOf(n session.Notification, data []byte) string {
	const cease, shutdown, reset = 6, 2, 4
	if n.Code != cease || n.Subcode != shutdown && n.Subcode != reset || len(data) == 0 || len(data) < 1+int(data[0]) {
		return ""
	}
	return string(data[1 : 1+int(data[0])])
}
