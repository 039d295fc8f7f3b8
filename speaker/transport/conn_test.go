// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/speaker/session"
)

// rig is a Conn between a speaker, who reads and writes it, and a router. It is used in a bubble of synctest.
type rig struct {
	t      *testing.T
	conn   *Conn
	router net.Conn
	stats  Stats
	stages chan Stage
	// passed are the messages that the speaker reads, until the connection is closed.
	passed chan kind
	// answered are those that the router gets.
	answered chan message
}

func newRig(t *testing.T) *rig {
	t.Helper()
	ours, theirs := net.Pipe()
	r := &rig{t: t, router: theirs, stages: make(chan Stage, 10), passed: make(chan kind, 1000), answered: make(chan message, 1000)}
	r.conn = New(ours, netip.MustParseAddrPort("192.0.2.1:179"), &r.stats, Watcher{Follow: func(s Stage) { r.stages <- s }})
	go copyMessages(r.conn, func(m message) { r.passed <- m.kind() }, func() { close(r.passed) })
	go copyMessages(theirs, func(m message) { r.answered <- m }, func() { close(r.answered) })
	t.Cleanup(func() {
		_ = r.conn.Close()
		_ = theirs.Close()
	})
	return r
}

// copyMessages reads messages as GoBGP does, header and body apart, until there is an end.
func copyMessages(from io.Reader, each func(message), done func()) {
	defer done()
	for {
		header := make(message, headerSize)
		if _, err := io.ReadFull(from, header); err != nil {
			return
		}
		body := make([]byte, int(binary.BigEndian.Uint16(header[markerSize:]))-headerSize)
		if _, err := io.ReadFull(from, body); err != nil {
			return
		}
		each(slices.Concat(header, body))
	}
}

// say has the router send octets.
func (r *rig) say(octets ...byte) {
	r.t.Helper()
	if _, err := r.router.Write(octets); err != nil {
		r.t.Fatalf("the router can not write: %v", err)
	}
}

// write has the speaker send a message.
func (r *rig) write(m message) {
	r.t.Helper()
	if n, err := r.conn.Write(m); n != len(m) || err != nil {
		r.t.Fatalf("the speaker wrote %d of %d octets: %v", n, len(m), err)
	}
}

// drain returns what is in a channel when all is quiet.
func drain[T any](c <-chan T) []T {
	synctest.Wait()
	var all []T
	for {
		select {
		case v, ok := <-c:
			if !ok {
				return all
			}
			all = append(all, v)
		default:
			return all
		}
	}
}

func (r *rig) expect(what string, got, want any) {
	r.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// establish exchanges what there is to be exchanged.
func (r *rig) establish(routersOpen message) {
	r.t.Helper()
	r.write(openMessage(64500))
	r.say(routersOpen...)
	r.write(newMessage(keepalive))
	r.say(newMessage(keepalive)...)
	r.expect("stages", drain(r.stages), []Stage{OpenSent, OpenConfirm, Confirmed})
	r.expect("what the speaker gets", drain(r.passed), []kind{open})
	r.conn.Release()
	r.expect("stages", drain(r.stages), []Stage{Established})
	r.expect("what the speaker gets", drain(r.passed), []kind{keepalive})
	r.expect("what the router gets", len(drain(r.answered)), 2)
}

func inBubble(t *testing.T, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newRig(t)) })
}

func TestTheFirstKeepaliveWaitsUntilItIsReleased(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512, 4, 2, 2, 6, 0))
		r.expect("the peer's ASN", r.conn.Open().ASN, uint32(64512))
		r.expect("the hold time", r.conn.HoldTime(), 90*time.Second)
	})
}

func TestOnlyWholeMessagesPass(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.write(openMessage(64500))
		for _, octet := range openMessage(64512) {
			r.expect("what the speaker gets", drain(r.passed), []kind(nil))
			r.say(octet)
		}
		r.expect("what the speaker gets", drain(r.passed), []kind{open})
	})
}

func TestAPeerThatIsSilentForTheHoldTimeIsGivenUpHere(t *testing.T) {
	t.Parallel()
	const hold = 90 * time.Second // of both sides' OPEN
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512))
		<-time.After(hold - time.Second)
		// The reader's own hold timer must not expire: it gets one KEEPALIVE on the way.
		r.expect("what the speaker gets", drain(r.passed), []kind{keepalive})
		r.say(newMessage(keepalive)...)
		r.expect("what the speaker gets", drain(r.passed), []kind{keepalive})
		half := newMessage(keepalive)
		r.say(half[:10]...)
		<-time.After(hold - time.Second)
		r.expect("stages", drain(r.stages), []Stage(nil))
		<-time.After(time.Second)
		r.expect("stages", drain(r.stages), []Stage{Ended})
		r.expect("why", *r.conn.End().Sent, session.Notification{Code: 4})
	})
}

func TestRoutesAreCountedAndPassAsOneKeepalive(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512))
		two := updateWith(nil, []byte{0x40, 1, 1, 0}, []byte{24, 192, 0, 2, 24, 198, 51, 100})
		r.say(slices.Concat(two, two, newMessage(keepalive), two, two[:30])...)
		r.expect("what the speaker gets", drain(r.passed), []kind{keepalive})
		r.expect("prefixes", r.stats.Prefixes.Load(), uint64(6))
		r.expect("updates", r.stats.Received.Updates.Load(), uint64(3))
		r.expect("messages", r.stats.Received.Total(), uint64(6))
		r.say(two[30:]...)
		r.expect("what the speaker gets", drain(r.passed), []kind{keepalive})
		r.expect("prefixes", r.stats.Prefixes.Load(), uint64(8))
	})
}

func TestAMessageOfExtendedLengthPassesWhereThePeerKnowsIt(t *testing.T) {
	t.Parallel()
	long := updateWith(nil, make([]byte, 40000), []byte{0})
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512, 4, 2, 2, 6, 0))
		r.say(slices.Concat(long, newMessage(keepalive), long, long, long)...)
		r.expect("updates", len(drain(r.passed)) > 0 && r.stats.Received.Updates.Load() == 4, true)
		r.expect("stages", drain(r.stages), []Stage(nil))
	})
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512))
		r.say(long[:headerSize]...)
		r.expectRefusal(session.Notification{Code: 1, Subcode: 2}, "UPDATE of 40024 octets")
	})
}

// expectRefusal expects that the router gets a NOTIFICATION and the connection is over.
func (r *rig) expectRefusal(want session.Notification, detail string) {
	r.t.Helper()
	answers := drain(r.answered)
	if len(answers) == 0 {
		r.t.Fatal("the router gets no answer")
	}
	got, _ := parseNotification(answers[len(answers)-1])
	r.expect("NOTIFICATION", got, want)
	stages := drain(r.stages)
	r.expect("last stage", stages[len(stages)-1], Ended)
	r.expect("end", r.conn.End(), End{Sent: &want, Detail: detail})
	r.expect("notifications", r.stats.Sent.Notifications.Load(), uint64(1))
	r.expect("what else the speaker gets", drain(r.passed), []kind(nil))
}

func TestWhatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		established bool
		says        message
		want        session.Notification
		detail      string
	}{
		"no BGP": {
			says: message("HTTP/1.1 400 Bad Request\r\n\r\n"), want: session.Notification{Code: 1, Subcode: 1},
			detail: "what came is not a BGP message",
		},
		"an unknown type": {
			established: true, says: header(19, 42), want: session.Notification{Code: 1, Subcode: 3}, detail: "type 42",
		},
		"a KEEPALIVE in place of the OPEN": {
			says: newMessage(keepalive), want: session.Notification{Code: 5, Subcode: 1}, detail: "the peer sent KEEPALIVE where OPEN is due",
		},
		"an UPDATE in place of the KEEPALIVE": {
			says: append(openMessage(64512), updateWith(nil, nil, nil)...), want: session.Notification{Code: 5, Subcode: 2},
			detail: "the peer sent UPDATE where KEEPALIVE is due",
		},
		"another OPEN": {
			established: true, says: openMessage(64512), want: session.Notification{Code: 5, Subcode: 3}, detail: "the peer sent another OPEN",
		},
		"a prefix that breaks off": {
			established: true, says: updateWith(nil, nil, []byte{24, 1}), want: session.Notification{Code: 3, Subcode: 10}, detail: "a prefix is invalid",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(r *rig) {
				if tt.established {
					r.establish(openMessage(64512))
				} else {
					r.write(openMessage(64500))
				}
				r.say(tt.says...)
				_ = drain(r.passed) // The OPEN, if there was one.
				r.expectRefusal(tt.want, tt.detail)
			})
		})
	}
}

// It need not be silent: what counts is that the message is complete.
func TestAPeerHasSomeTimeForItsOpen(t *testing.T) {
	t.Parallel()
	expired := session.Notification{Code: 4}
	withoutHold := openMessage(64512)
	withoutHold[headerSize+3], withoutHold[headerSize+4] = 0, 0
	t.Run("that does not come", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(r *rig) {
			r.write(openMessage(64500))
			for _, octet := range openMessage(64512)[:9] {
				r.say(octet)
				<-time.After(OpenTime / 10)
			}
			r.expect("stages", drain(r.stages), []Stage{OpenSent})
			<-time.After(OpenTime / 10)
			r.expectRefusal(expired, "")
		})
	})
	t.Run("that comes late", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(r *rig) {
			<-time.After(OpenTime - 1)
			r.establish(openMessage(64512))
			<-time.After(time.Minute)
			r.expect("stages", drain(r.stages), []Stage(nil))
		})
	})
	// The hold time is what it has for the KEEPALIVE, if there is one.
	t.Run("that is followed by nothing, without a hold time", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(r *rig) {
			r.write(openMessage(64500))
			r.say(withoutHold...)
			r.write(newMessage(keepalive))
			r.expect("stages", drain(r.stages), []Stage{OpenSent, OpenConfirm})
			r.expect("what the speaker gets", drain(r.passed), []kind{open})
			<-time.After(OpenTime)
			r.expectRefusal(expired, "")
		})
	})
	t.Run("without a hold time", func(t *testing.T) {
		t.Parallel()
		inBubble(t, func(r *rig) {
			r.establish(withoutHold)
			<-time.After(time.Hour)
			r.expect("stages", drain(r.stages), []Stage(nil))
		})
	})
}

func TestWhyAConnectionEndedIsKnown(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do   func(*rig)
		want End
	}{
		"the router says it": {
			func(r *rig) { r.say(newMessage(notification, append([]byte{6, 2, 11}, "maintenance"...)...)...) },
			End{Received: &session.Notification{Code: 6, Subcode: 2}, Communication: "maintenance"},
		},
		"the speaker says it": {
			func(r *rig) { r.write(newMessage(notification, 4, 0)); _ = r.conn.Close() },
			End{Sent: &session.Notification{Code: 4}},
		},
		"the router closes it": {
			func(r *rig) { _ = r.router.Close() },
			End{Err: io.EOF},
		},
		"the speaker closes it": {
			func(r *rig) { _ = r.conn.Close() },
			End{},
		},
		"half a message is the last": {
			func(r *rig) { r.say(updateWith(nil, nil, nil)[:20]...); _ = r.router.Close() },
			End{Err: io.EOF},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(r *rig) {
				r.establish(openMessage(64512))
				tt.do(r)
				r.expect("stages", drain(r.stages), []Stage{Ended})
				if got := r.conn.End(); !errors.Is(got.Err, tt.want.Err) || !cmp.Equal(got.Sent, tt.want.Sent) ||
					!cmp.Equal(got.Received, tt.want.Received) || got.Communication != tt.want.Communication {
					r.t.Errorf("end is %+v, want %+v", got, tt.want)
				}
			})
		})
	}
}

// Whoever reads and writes is to find no error before it has been told of the end.
func TestAConnectionThatHasEndedWaitsToBeClosed(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512))
		_ = r.router.Close()
		r.expect("stages", drain(r.stages), []Stage{Ended})
		r.write(updateWith(nil, nil, nil))
		r.write(newMessage(notification, 6, 3))
		r.expect("updates", r.stats.Sent.Updates.Load(), uint64(0))
		select {
		case _, open := <-r.passed:
			t.Errorf("the reader got a message, or an error: %t", !open)
		default:
		}
		_ = r.conn.Close()
		if _, open := <-r.passed; open {
			t.Error("the reader got a message")
		}
		r.expect("end", errors.Is(r.conn.End().Err, io.EOF), true)
		r.expect("stages", drain(r.stages), []Stage(nil))
	})
}

// GoBGP has a goroutine that sends what is queued until the one that sends a NOTIFICATION goes on.
func TestANotificationOfTheWriterHoldsItUntilItIsLetGo(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512))
		written := make(chan struct{})
		go func() {
			r.write(newMessage(notification, 4, 0))
			close(written)
		}()
		r.expect("stages", drain(r.stages), []Stage{Ended})
		r.expect("what the router gets", drain(r.answered), []message{newMessage(notification, 4, 0)})

		marker := []byte{192, 0, 2, 1}
		discarded := r.conn.Discarded(marker)
		r.write(updateWith(nil, nil, []byte{24, 198, 51, 100}))
		r.expect("the marker is discarded, the NOTIFICATION done", []bool{isDone(discarded), isDone(written)}, []bool{false, false})
		r.write(updateWith(nil, nil, append([]byte{32}, marker...)))
		synctest.Wait()
		r.expect("the marker is discarded, the NOTIFICATION done", []bool{isDone(discarded), isDone(written)}, []bool{true, true})
	})
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512))
		time.AfterFunc(time.Millisecond, r.conn.LetGo)
		began := time.Now()
		r.write(newMessage(notification, 4, 0))
		r.expect("time that the writer waited", time.Since(began), time.Millisecond)
	})
}

func TestAPeerIsToldWhyTheConnectionCeases(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512))
		r.conn.Cease(2)
		r.conn.Cease(3)
		r.expect("what the router gets", drain(r.answered), []message{newMessage(notification, 6, 2)})
		r.expect("the reader rests", isDone(r.conn.Resting()), true)
	})
}

func TestClosingEndsTheWaitForARelease(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.write(openMessage(64500))
		r.say(slices.Concat(openMessage(64512), newMessage(keepalive))...)
		r.expect("stages", drain(r.stages), []Stage{OpenSent, Confirmed})
		_ = r.conn.Close()
		synctest.Wait()
		r.expect("stages", drain(r.stages), []Stage{Ended})
		for range r.passed { // ends
		}
	})
}

// Each request has the whole table sent: a peer that asks without end must not have it pile up.
func TestRequestsForEverythingPassOneASecond(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512))
		began := time.Now()
		four, six, other := newMessage(routeRefresh, 0, 1, 0, 1), newMessage(routeRefresh, 0, 2, 0, 1), newMessage(routeRefresh, 0, 25, 0, 65)
		r.say(four...)
		r.say(slices.Concat(four, four, other, six, four)...)
		for i := range 3 {
			if k := <-r.passed; k != routeRefresh || time.Since(began) != time.Duration(i)*refreshTime {
				t.Errorf("%s after %s", k, time.Since(began))
			}
		}
		r.say(newMessage(keepalive)...)
		if k := <-r.passed; k != keepalive || time.Since(began) != 2*refreshTime {
			t.Errorf("%s after %s", k, time.Since(began))
		}
		<-time.After(10 * refreshTime) // Of the bubble's time, and before the hold time is half over.
		r.expect("what else the speaker gets", drain(r.passed), []kind(nil))
		r.expect("requests", r.stats.Received.Refreshes.Load(), uint64(6))
	})
}

func TestARequestForEverythingWaitsWhileThePeerDoesNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ours, router := net.Pipe()
		var stats Stats
		conn := New(ours, netip.MustParseAddrPort("192.0.2.1:179"), &stats, Watcher{})
		conn.Release()
		passed := make(chan kind, 10)
		go copyMessages(conn, func(m message) { passed <- m.kind() }, func() { close(passed) })
		for _, m := range []message{openMessage(64512), newMessage(keepalive)} {
			if _, err := router.Write(m); err != nil {
				t.Fatal(err)
			}
		}
		if got := drain(passed); !slices.Equal(got, []kind{open, keepalive}) {
			t.Errorf("passed are %s", got)
		}
		written := make(chan struct{})
		go func() {
			_, _ = conn.Write(updateWith(nil, nil, nil))
			close(written)
		}()
		synctest.Wait()
		if _, err := router.Write(newMessage(routeRefresh, 0, 1, 0, 1)); err != nil {
			t.Fatal(err)
		}
		select {
		case k := <-passed:
			t.Errorf("%s passes while an UPDATE waits to be read", k)
		case <-time.After(time.Minute):
		}
		if _, err := io.ReadFull(router, make([]byte, len(updateWith(nil, nil, nil)))); err != nil {
			t.Fatal(err)
		}
		<-written
		if k := <-passed; k != routeRefresh {
			t.Errorf("%s passes", k)
		}
		_, _ = conn.Close(), router.Close()
	})
}
