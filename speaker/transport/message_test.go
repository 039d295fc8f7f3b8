// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/session"
)

// header is one with any length and type.
func header(length uint16, k byte) message {
	m := newMessage(kind(k))
	binary.BigEndian.PutUint16(m[markerSize:], length)
	return m
}

func TestTheHeaderOfAMessageIsChecked(t *testing.T) {
	t.Parallel()
	broken := newMessage(keepalive)
	broken[7] = 0
	tests := map[string]struct {
		header   message
		extended bool
		size     int
		code     uint8
		subcode  uint8
		data     []byte
	}{
		"a KEEPALIVE":                   {header: header(19, 4), size: 19},
		"a long UPDATE":                 {header: header(4096, 2), size: 4096},
		"an extended UPDATE":            {header: header(65535, 2), extended: true, size: 65535},
		"a broken marker":               {header: broken, code: 1, subcode: 1},
		"type 0":                        {header: header(19, 0), code: 1, subcode: 3, data: []byte{0}},
		"an unknown type":               {header: header(19, 42), code: 1, subcode: 3, data: []byte{42}},
		"shorter than a header":         {header: header(18, 4), code: 1, subcode: 2, data: []byte{0, 18}},
		"a KEEPALIVE with a body":       {header: header(20, 4), code: 1, subcode: 2, data: []byte{0, 20}},
		"an OPEN that is too short":     {header: header(28, 1), code: 1, subcode: 2, data: []byte{0, 28}},
		"a NOTIFICATION without a code": {header: header(20, 3), code: 1, subcode: 2, data: []byte{0, 20}},
		"an UPDATE that is too short":   {header: header(22, 2), code: 1, subcode: 2, data: []byte{0, 22}},
		"an UPDATE that is too long":    {header: header(4097, 2), code: 1, subcode: 2, data: []byte{16, 1}},
		"an extended OPEN":              {header: header(4097, 1), extended: true, code: 1, subcode: 2, data: []byte{16, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			size, wrong := checkHeader(tt.header, tt.extended)
			if tt.code == 0 {
				if wrong != nil || size != tt.size {
					t.Errorf("size is %d, want %d; refused: %+v", size, tt.size, wrong)
				}
				return
			}
			if wrong == nil {
				t.Fatalf("is not refused, has size %d", size)
			}
			if want := (session.Notification{Code: tt.code, Subcode: tt.subcode}); wrong.notification != want || !cmp.Equal(tt.data, wrong.data, cmpopts.EquateEmpty()) {
				t.Errorf("is refused by %s with %v, want %s with %v", wrong.notification, wrong.data, want, tt.data)
			}
		})
	}
}

// openMessage has the ASN, a hold time of 90 s, and what follows.
func openMessage(asn uint16, parameters ...byte) message {
	if len(parameters) == 0 {
		parameters = []byte{0}
	}
	return newMessage(open, slices.Concat([]byte{4, byte(asn >> 8), byte(asn), 0, 90, 192, 0, 2, 254}, parameters)...)
}

func TestAnOpenIsRead(t *testing.T) {
	t.Parallel()
	base := Open{ASN: 64512, HoldTime: 90 * time.Second, RouterID: netip.MustParseAddr("192.0.2.254"), Families: bgp.Families{IPv4: true}}
	with := func(change func(*Open)) Open {
		o := base
		change(&o)
		return o
	}
	four := []byte{65, 4, 0xfa, 0x56, 0xea, 0x01}
	tests := map[string]struct {
		message message
		want    Open
	}{
		"no capabilities":                  {openMessage(64512), base},
		"IPv6 alone":                       {openMessage(64512, 8, 2, 6, 1, 4, 0, 2, 0, 1), with(func(o *Open) { o.Families = bgp.Families{IPv6: true}; o.Capabilities = "multiprotocol" })},
		"both families, in two parameters": {openMessage(64512, 16, 2, 6, 1, 4, 0, 1, 0, 1, 2, 6, 1, 4, 0, 2, 0, 1), with(func(o *Open) { o.Families.IPv6 = true; o.Capabilities = "multiprotocol" })},
		"labelled IPv4 is another family":  {openMessage(64512, 8, 2, 6, 1, 4, 0, 1, 0, 4), with(func(o *Open) { o.Families.IPv4 = false; o.Capabilities = "multiprotocol" })},
		"an ASN of four octets":            {openMessage(23456, append([]byte{8, 2, 6}, four...)...), with(func(o *Open) { o.ASN = 4200000001; o.Capabilities = "four-octet-asn" })},
		"a helper with graceful restart":   {openMessage(64512, 6, 2, 4, 64, 2, 0, 120), with(func(o *Open) { o.GracefulRestart, o.Capabilities = true, "graceful-restart" })},
		"graceful restart of its own":      {openMessage(64512, 10, 2, 8, 64, 6, 0x80, 120, 0, 1, 1, 0x80), with(func(o *Open) { o.GracefulRestart, o.Restarts, o.Capabilities = true, true, "graceful-restart" })},
		"routes kept on a NOTIFICATION":    {openMessage(64512, 6, 2, 4, 64, 2, 0x40, 120), with(func(o *Open) { o.GracefulRestart, o.Notification, o.Capabilities = true, true, "graceful-restart" })},
		"graceful restart that breaks off": {openMessage(64512, 5, 2, 3, 64, 1, 0x40), with(func(o *Open) { o.Capabilities = "graceful-restart" })},
		"extended messages":                {openMessage(64512, 4, 2, 2, 6, 0), with(func(o *Open) { o.extended = true; o.Capabilities = "extended-message" })},
		"parameters of extended length":    {openMessage(23456, append([]byte{255, 255, 0, 9, 2, 0, 6}, four...)...), with(func(o *Open) { o.ASN = 4200000001; o.Capabilities = "four-octet-asn" })},
		"a parameter of another type":      {openMessage(64512, 12, 1, 2, 65, 4, 2, 6, 1, 4, 0, 2, 0, 1), with(func(o *Open) { o.Families = bgp.Families{IPv6: true}; o.Capabilities = "multiprotocol" })},
		"IPv4 with an IPv6 next hop": {
			openMessage(64512, 22, 2, 20, 5, 12, 0, 2, 0, 1, 0, 2, 0, 1, 0, 1, 0, 2, 2, 0, 72, 2, 72, 0),
			with(func(o *Open) { o.IPv6NextHop, o.Capabilities = true, "code 72,extended-next-hop,route-refresh" }),
		},
		"other families with an IPv6 next hop": {openMessage(64512, 16, 2, 14, 5, 12, 0, 1, 0, 4, 0, 2, 0, 1, 1, 1, 0, 2), with(func(o *Open) { o.Capabilities = "extended-next-hop" })},
		"an IPv6 next hop that breaks off":     {openMessage(64512, 9, 2, 7, 5, 5, 0, 1, 0, 1, 0), with(func(o *Open) { o.Capabilities = "extended-next-hop" })},
		"parameters that break off":            {openMessage(64512, 8, 2, 60, 1, 4, 0, 2), base},
		"a capability that breaks off":         {openMessage(64512, 8, 2, 6, 1, 9, 0, 2, 0, 1), base},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := parseOpen(tt.message); got != tt.want {
				t.Errorf("is %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAShutdownCommunicationIsRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body []byte
		want string
	}{
		"a text":                {append([]byte{6, 2, 11}, "maintenance"...), "maintenance"},
		"no text":               {[]byte{6, 2}, ""},
		"a text that is cut":    {append([]byte{6, 4, 11}, "maint"...), ""},
		"data that is no text":  {append([]byte{6, 1, 3}, "abc"...), ""},
		"a text of length zero": {[]byte{6, 2, 0}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, text := parseNotification(newMessage(notification, tt.body...))
			if want := (session.Notification{Code: tt.body[0], Subcode: tt.body[1]}); n != want || text != tt.want {
				t.Errorf("is %s with %q, want %s with %q", n, text, want, tt.want)
			}
		})
	}
}

// updateWith has withdrawn routes, attributes and announced routes, in octets.
func updateWith(withdrawn, attributes, announced []byte) message {
	var body []byte
	for _, part := range [][]byte{withdrawn, attributes} {
		body = binary.BigEndian.AppendUint16(body, uint16(len(part)))
		body = append(body, part...)
	}
	return newMessage(update, append(body, announced...)...)
}

func TestThePrefixesOfAnUpdateAreCounted(t *testing.T) {
	t.Parallel()
	two := []byte{24, 192, 0, 2, 32, 198, 51, 100, 1}
	reach := []byte{0x80, 14, 13, 0, 2, 1, 4, 1, 2, 3, 4, 0, 16, 0x20, 0x01, 0}
	unreach := []byte{0x80, 15, 4, 0, 2, 1, 0}
	tests := map[string]struct {
		update  message
		want    int
		subcode uint8
	}{
		"End-of-RIB":                          {update: updateWith(nil, nil, nil)},
		"two prefixes":                        {update: updateWith(nil, []byte{0x40, 1, 1, 0}, two), want: 2},
		"the default route":                   {update: updateWith(nil, nil, []byte{0}), want: 1},
		"withdrawn prefixes":                  {update: updateWith(two, nil, nil)},
		"IPv6 prefixes":                       {update: updateWith(nil, reach, nil), want: 2},
		"IPv6 prefixes that are withdrawn":    {update: updateWith(nil, unreach, nil)},
		"an attribute of extended length":     {update: updateWith(nil, []byte{0x90, 15, 0, 4, 0, 2, 1, 0}, two), want: 2},
		"a family that nobody has spoken of":  {update: updateWith(nil, []byte{0x80, 15, 4, 0, 25, 65, 200}, two), want: 2},
		"an attribute that breaks off":        {update: updateWith(nil, []byte{0x40, 1, 9, 0}, two), want: 2},
		"withdrawn routes that are too long":  {update: newMessage(update, 0, 9, 0, 0), subcode: 1},
		"attributes that are too long":        {update: newMessage(update, 0, 0, 0, 9), subcode: 1},
		"no length of attributes":             {update: newMessage(update, 0, 2, 8, 10), subcode: 1},
		"a prefix of 33 bits":                 {update: updateWith(nil, nil, []byte{33, 1, 2, 3, 4, 5}), subcode: 10},
		"a prefix that breaks off":            {update: updateWith(nil, nil, []byte{24, 1, 2}), subcode: 10},
		"a withdrawn prefix that breaks off":  {update: updateWith([]byte{24, 1, 2}, nil, nil), subcode: 10},
		"an IPv6 prefix of 129 bits":          {update: updateWith(nil, append([]byte{0x80, 15, 21, 0, 2, 1, 129}, make([]byte, 17)...), nil), subcode: 9},
		"MP_REACH_NLRI without a family":      {update: updateWith(nil, []byte{0x80, 14, 2, 0, 2}, nil), subcode: 9},
		"a next hop that is too long":         {update: updateWith(nil, []byte{0x80, 14, 5, 0, 2, 1, 9, 0}, nil), subcode: 9},
		"MP_UNREACH_NLRI twice":               {update: updateWith(nil, append(unreach, unreach...), nil), subcode: 1},
		"MP_REACH_NLRI that is only a family": {update: updateWith(nil, []byte{0x80, 14, 3, 0, 2, 1}, nil), subcode: 9},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, wrong := announcedIn(tt.update)
			switch {
			case tt.subcode == 0 && (wrong != nil || n != tt.want):
				t.Errorf("%d prefixes, want %d; refused: %+v", n, tt.want, wrong)
			case tt.subcode != 0 && (wrong == nil || wrong.notification != session.Notification{Code: 3, Subcode: tt.subcode}):
				t.Errorf("%d prefixes, refused: %+v; want UPDATE Message Error/%d", n, wrong, tt.subcode)
			}
		})
	}
}

// A peer may send anything: nothing that it sends may panic.
func FuzzMessages(f *testing.F) {
	f.Add([]byte(openMessage(64512, 8, 2, 6, 1, 4, 0, 2, 0, 1)))
	f.Add([]byte(updateWith([]byte{24, 192, 0, 2}, []byte{0x80, 15, 4, 0, 2, 1, 0}, []byte{0})))
	f.Add([]byte(newMessage(notification, 6, 2, 3, 'a', 'b', 'c')))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < headerSize {
			return
		}
		size, wrong := checkHeader(b, true)
		if wrong != nil || size > len(b) {
			return
		}
		switch m := message(b[:size]); m.kind() {
		case open:
			parseOpen(m)
		case update:
			if n, wrong := announcedIn(m); n > 8*len(m) || n > 0 && wrong != nil {
				t.Errorf("%d prefixes in %d octets, refused: %+v", n, len(m), wrong)
			}
		case notification:
			parseNotification(m)
		case keepalive, routeRefresh:
		}
	})
}

func TestTheTimeBetweenAttemptsGrowsToTheLongest(t *testing.T) {
	t.Parallel()
	var b Backoff
	const longest = 2 * time.Second
	for _, ms := range []int64{100, 200, 400, 800, 1600, 2000, 2000} {
		at := time.Duration(ms * int64(time.Millisecond))
		if next := b.Next(longest); next > at || next < at*3/4 {
			t.Errorf("the next attempt is after %s, want at most %s, less a quarter", next, at)
		}
	}
	for range 100 {
		if next := b.Next(longest); next > longest || next < longest*3/4 {
			t.Errorf("the next attempt is after %s", next)
		}
	}
	b.Reset()
	if next := b.Next(longest); next > 100*time.Millisecond {
		t.Errorf("after a success the next attempt is after %s", next)
	}
	if next := b.Next(time.Millisecond); next > time.Millisecond {
		t.Errorf("the next attempt is after %s, later than the longest", next)
	}
}
