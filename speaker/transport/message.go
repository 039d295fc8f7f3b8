// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"encoding/binary"
	"fmt"

	"metallb.io/metallb/speaker/session"
)

// kind is the type of a message (RFC 4271 section 4.1, RFC 2918 section 3).
type kind byte

const (
	open         kind = 1
	update       kind = 2
	notification kind = 3
	keepalive    kind = 4
	routeRefresh kind = 5
)

// kinds are the RFCs' names, and the least sizes (RFC 4271 section 4, RFC 2918 section 3).
var kinds = [...]struct {
	name    string
	minSize int
}{
	open:         {"OPEN", 29},
	update:       {"UPDATE", 23},
	notification: {"NOTIFICATION", 21},
	keepalive:    {"KEEPALIVE", headerSize},
	routeRefresh: {"ROUTE-REFRESH", 23},
}

// isKnown reports whether there are messages of this type.
func (k kind) isKnown() bool { return k > 0 && int(k) < len(kinds) }

// String is the RFCs' name.
func (k kind) String() string {
	if !k.isKnown() {
		return fmt.Sprintf("message of type %d", byte(k))
	}
	return kinds[k].name
}

const (
	markerSize = 16
	headerSize = 19
	// maxSize of a message, and of one where both sides can more (RFC 8654 section 4).
	maxSize         = 4096
	maxExtendedSize = 65535
)

// message is a whole one, header included.
type message []byte

func (m message) kind() kind   { return kind(m[headerSize-1]) }
func (m message) body() []byte { return m[headerSize:] }

// newMessage puts a header before the body.
func newMessage(k kind, body ...byte) message {
	m := make(message, headerSize, headerSize+len(body))
	for i := range markerSize {
		m[i] = 0xff
	}
	binary.BigEndian.PutUint16(m[markerSize:], uint16(headerSize+len(body))) //nolint:gosec // Bodies are made here, and short.
	m[headerSize-1] = byte(k)
	return append(m, body...)
}

// refusal is why a message is answered by a NOTIFICATION, and the data in that.
type refusal struct {
	notification session.Notification
	data         []byte
	text         string
}

func refuse(code, subcode uint8, data []byte, text string, args ...any) *refusal {
	return &refusal{session.Notification{Code: code, Subcode: subcode}, data, fmt.Sprintf(text, args...)}
}

func (r *refusal) message() message {
	return newMessage(notification, append([]byte{r.notification.Code, r.notification.Subcode}, r.data...)...)
}

// checkHeader returns the size of the message that begins with the header, or why there is none (RFC 4271 section 6.1).
func checkHeader(header []byte, extended bool) (int, *refusal) {
	for _, b := range header[:markerSize] {
		if b != 0xff {
			return 0, refuse(1, 1, nil, "what came is not a BGP message")
		}
	}
	length, k := header[markerSize:headerSize-1], kind(header[headerSize-1])
	if !k.isKnown() {
		return 0, refuse(1, 3, []byte{byte(k)}, "type %d", byte(k))
	}
	limit := maxSize
	switch {
	case k == keepalive:
		limit = headerSize
	case extended && k != open: // RFC 8654 section 4
		limit = maxExtendedSize
	}
	size := int(binary.BigEndian.Uint16(length))
	if size < kinds[k].minSize || size > limit {
		return 0, refuse(1, 2, append([]byte(nil), length...), "%s of %d octets", k, size)
	}
	return size, nil
}

// cease is the code of a NOTIFICATION that ends a session without an error (RFC 4486), and hardReset its subcode that has another one as
// its data, and has the receiver keep no routes (RFC 8538 section 3.1).
const (
	cease     = 6
	hardReset = 9
)

// parseNotification returns what a NOTIFICATION says, and the shutdown communication in it (RFC 9003 section 2). Of a Hard Reset that is what the
// one in it says.
func parseNotification(m message) (n session.Notification, communication string) {
	const shutdown, reset = 2, 4
	b := m.body()
	if b[0] == cease && b[1] == hardReset && len(b) >= 4 {
		b = b[2:]
	}
	n = session.Notification{Code: b[0], Subcode: b[1]}
	data := b[2:]
	if n.Code != cease || n.Subcode != shutdown && n.Subcode != reset || len(data) == 0 || len(data) < 1+int(data[0]) {
		return n, ""
	}
	return n, string(data[1 : 1+int(data[0])])
}
