// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"golang.org/x/sys/unix"

	"metallb.io/metallb/speaker/session"
)

// serialized returns the message as it is on the wire.
func serialized(t *testing.T, m *bgp.BGPMessage) []byte {
	t.Helper()
	b, err := m.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openFrom(t *testing.T, asn uint16, capabilities ...bgp.ParameterCapabilityInterface) *bgp.BGPMessage {
	t.Helper()
	var parameters []bgp.OptionParameterInterface
	if len(capabilities) > 0 {
		parameters = append(parameters, bgp.NewOptionParameterCapability(capabilities))
	}
	m, err := bgp.NewBGPOpenMessage(asn, 90, netip.MustParseAddr("192.0.2.9"), parameters)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParseAnswer(t *testing.T) {
	t.Parallel()
	const transitional = 23456 // RFC 6793 section 9
	open := serialized(t, openFrom(t, 64513))
	shutdown := append([]byte{11}, "maintenance"...)
	for name, tt := range map[string]struct {
		message []byte
		want    answer
	}{
		"an OPEN":                    {open, answer{asn: 64513}},
		"an OPEN of four octets":     {serialized(t, openFrom(t, transitional, bgp.NewCapFourOctetASNumber(4200000001))), answer{asn: 4200000001}},
		"an OPEN and more":           {append(slices.Clip(open), 1, 2, 3), answer{asn: 64513}},
		"half an OPEN":               {open[:20], answer{}},
		"a NOTIFICATION":             {serialized(t, notification(2, 2)), answer{refusal: &session.Notification{Code: 2, Subcode: 2}}},
		"a NOTIFICATION with a text": {serialized(t, bgp.NewBGPNotificationMessage(6, 2, shutdown)), answer{refusal: &session.Notification{Code: 6, Subcode: 2}, communication: "maintenance"}},
		"a text that is cut off":     {serialized(t, bgp.NewBGPNotificationMessage(6, 2, shutdown[:5])), answer{refusal: &session.Notification{Code: 6, Subcode: 2}}},
		"a KEEPALIVE":                {serialized(t, bgp.NewBGPKeepAliveMessage()), answer{}},
		"no BGP":                     {[]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), answer{}},
		"nothing":                    {nil, answer{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, parseAnswer(tt.message), cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// A peer may send anything.
func FuzzParseAnswer(f *testing.F) {
	for _, m := range []*bgp.BGPMessage{notification(6, 2), bgp.NewBGPKeepAliveMessage()} {
		b, err := m.Serialize()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if a := parseAnswer(b); a.asn != 0 && a.refusal != nil {
			t.Errorf("both an OPEN and a NOTIFICATION: %+v", a)
		}
	})
}

func TestWhatIsLookedAtIsLeftToBeRead(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	at := l.Addr().(*net.TCPAddr).AddrPort()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()

	began := time.Now()
	if a := awaitAnswer(at); a != (answer{}) {
		t.Errorf("a peer that says nothing has said %+v", a)
	}
	if took := time.Since(began); took < answerTime-10*time.Millisecond {
		t.Errorf("a peer that says nothing is given %s, want %s", took, answerTime)
	}
	open := serialized(t, openFrom(t, 64513))
	if _, err := peer.Write(open); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if a := awaitAnswer(at); a.asn != 64513 {
			t.Errorf("the answer is %+v", a)
		}
	}
	read := make([]byte, len(open))
	if _, err := conn.Read(read); err != nil || !cmp.Equal(open, read) {
		t.Errorf("read %v, error %v, want %v", read, err, open)
	}
	if a := awaitAnswer(netip.AddrPortFrom(at.Addr(), at.Port()+1)); a != (answer{}) {
		t.Errorf("a peer that there is no connection to has said %+v", a)
	}
}

func TestASignalDoesNotEndTheWaitForAnAnswer(t *testing.T) {
	t.Parallel()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.Close(pair[0]), unix.Close(pair[1]) }()
	thread, found := make(chan int), make(chan answer, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		thread <- unix.Gettid()
		found <- peek(pair[0], 10*time.Second)
	}()
	waiting := <-thread
	for range 5000 { // It may not wait yet.
		if err := unix.Tgkill(unix.Getpid(), waiting, unix.SIGURG); err != nil {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	if _, err := unix.Write(pair[1], serialized(t, openFrom(t, 64513))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(answer{asn: 64513}, <-found, cmp.AllowUnexported(answer{})); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}
