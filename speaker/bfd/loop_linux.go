// SPDX-License-Identifier: Apache-2.0

package bfd

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"metallb.io/metallb/api/bgp"
)

const (
	// A turn of the loop takes one of so many parts of the shortest interval, within these bounds.
	turnsPerInterval          = 8
	shortestTurn, longestTurn = time.Millisecond, 10 * time.Millisecond
	// shortSlice is the shortest that the kernel knows.
	shortSlice = 100 * time.Microsecond
	// reopenTime is between attempts to open sockets that cannot be opened.
	reopenTime = time.Second
	// mostQueued bounds the packets that are read in one turn. It is more than the kernel keeps.
	mostQueued = 4096
)

// echoRefused is why a session whose profile wants echo packets has none. They would be sent to the router's MAC address with this node's own
// address as source and destination (RFC 5881 section 4), which needs packet sockets to send, as the kernel delivers what is for itself without
// the network, and to receive, as it drops what comes from its own address (martian source).
const echoRefused = "echoMode has no effect: nodes send no echo packets, which the Linux kernel allows only with the capability NET_RAW. Control packets alone " +
	"find failures; remove echoMode from the BFDProfile, and set shorter intervals if needed"

// end is the loop's part of a session.
type end struct {
	machine machine
	sender  sender
	// receiver is where its packets come from; nil if it could not be opened.
	receiver *receiver
	key      key
	hops     Reach // SingleHop or MultiHop
	// failure is why the sockets are not open, and reopen when the next attempt is.
	failure string
	reopen  time.Duration
	// ttl of the last packet that came from too far away, 0 if none has since one that did not, and far says so.
	ttl int
	far string
	// disabled is set when the peer is told that the session ends.
	disabled bool
}

// key is how a packet finds its session that has no discriminator of it (RFC 5881 section 3).
type key struct {
	receiver    *receiver
	peer, local netip.Addr
	// device is the number of the interface if the addresses are link-local ones, else 0.
	device int
}

// loop runs the sessions.
type loop struct {
	set  *Sessions
	bell int // an eventfd

	mu    sync.Mutex
	tasks []func(*loop)

	// What follows belongs to the goroutine.

	sessions        []*Session
	byDiscriminator map[uint32]*Session
	byAddress       map[key]*Session
	receivers       map[door]*receiver
	polled          []unix.PollFd
	batch           *batch
	out             [packetLength]byte
	// others is room for the numbers of goroutines that run, this one among them, and that are about to.
	others [2]metrics.Sample
}

func newLoop(s *Sessions) (*loop, error) {
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd2", err)
	}
	return &loop{
		set: s, bell: bell, byDiscriminator: map[uint32]*Session{}, byAddress: map[key]*Session{}, receivers: map[door]*receiver{}, batch: newBatch(),
		polled: []unix.PollFd{{Fd: int32(bell), Events: unix.POLLIN}}, //nolint:gosec // Descriptors are small.
		others: [2]metrics.Sample{{Name: "/sched/goroutines/running:goroutines"}, {Name: "/sched/goroutines/runnable:goroutines"}},
	}, nil
}

// put has the loop do something.
func (l *loop) put(task func(*loop)) {
	l.mu.Lock()
	l.tasks = append(l.tasks, task)
	l.mu.Unlock()
	one := [8]byte{}
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(l.bell, one[:]) // It fails only if it was rung 2^64 times.
}

func (l *loop) waiting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.tasks) > 0
}

// run runs the sessions until there are none. It stays on one thread, which the kernel then knows as one that mostly sleeps, and so runs soon
// when it wakes.
func (l *loop) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer l.close()
	askForShortSlices()
	for {
		for _, task := range l.take() {
			task(l)
		}
		if next := l.turn(); len(l.sessions) > 0 {
			l.sleep(next)
		} else if l.set.release(l) {
			return
		}
	}
}

// askForShortSlices has the kernel run this thread for a tenth of a millisecond at a time, which a turn takes, and so sooner than others that
// want to run for longer. It needs no right. A kernel before Linux 6.12 ignores it.
func askForShortSlices() {
	attributes, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return
	}
	attributes.Runtime = uint64(shortSlice)
	_ = unix.SchedSetAttr(0, attributes, 0) // What it does it does faster, not better.
}

func (l *loop) take() []func(*loop) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tasks := l.tasks
	l.tasks = nil
	return tasks
}

func (l *loop) close() {
	for _, r := range l.receivers {
		_ = unix.Close(r.fd)
	}
	_ = unix.Close(l.bell) // Nobody rings any more: release has said so with the lock held.
}

// turn reads what has come, sends what is due, and returns when the next turn is.
func (l *loop) turn() (next time.Duration) {
	now := monotonic()
	for _, r := range l.receivers {
		for n := 0; n < mostQueued; {
			read := l.batch.read(r.fd)
			for i := range read {
				l.receive(r, i, now)
			}
			if n += read; read < batchSize {
				break
			}
		}
	}
	next = never
	for i := 0; i < len(l.sessions); i++ {
		s := l.sessions[i]
		next = min(next, l.serve(s, now))
		if s.machine.over() {
			l.forget(s)
			i--
		}
	}
	return next
}

// receive takes one packet of the batch.
func (l *loop) receive(r *receiver, i int, now time.Duration) {
	d := l.batch.datagram(i, r.at.six)
	p, why := parse(d.payload)
	if why != accepted {
		l.set.ignored[why].Add(1)
		return
	}
	s := l.find(r, d, p)
	if s == nil {
		l.set.ignored[noSession].Add(1)
		return
	}
	if d.ttl < s.minTTL() {
		l.set.ignored[badTTL].Add(1)
		s.tooFar(d.ttl)
		return
	}
	was := s.machine.state
	if why := s.machine.receivePacket(p, now); why != accepted {
		l.set.ignored[why].Add(1)
		return
	}
	s.sender.refused, s.ttl, s.far = false, 0, ""
	s.counts.received.Add(1)
	if s.machine.state != was {
		s.publish(l.statusOf(s)) // The next packet may change it again.
	}
}

// find returns the session of a packet; nil if it has none.
func (l *loop) find(r *receiver, d datagram, p packet) *Session {
	if p.yours != 0 {
		s := l.byDiscriminator[p.yours]
		if s == nil || s.key.receiver != r || s.key.peer != d.from || s.key.device != 0 && s.key.device != d.device {
			return nil
		}
		return s
	}
	k := key{receiver: r, peer: d.from, local: d.to}
	if d.from.IsLinkLocalUnicast() && d.from.Is6() {
		k.device = d.device
	}
	return l.byAddress[k]
}

// minTTL is the least TTL of packets (RFC 5881 section 5, RFC 5883 section 5).
func (s *Session) minTTL() int {
	if s.hops == MultiHop {
		return int(s.machine.profile.MinimumTTL)
	}
	return mostTTL
}

// tooFar notes that a packet had a TTL that is too small.
func (s *Session) tooFar(ttl int) {
	switch {
	case ttl == s.ttl:
	case s.hops == MultiHop:
		s.far = fmt.Sprintf("packets from the router come with a TTL of %d and are ignored: set minimumTtl of the BFDProfile, which is %d, to no more", ttl, s.minTTL())
	default:
		s.far = fmt.Sprintf("packets from the router come with a TTL of %d, not %d, and are ignored: a router that is more than one hop away needs ebgpMultiHop", ttl, s.minTTL())
	}
	s.ttl = ttl
}

// serve does what a session has to do, and returns when it has more.
func (l *loop) serve(s *Session, now time.Duration) (next time.Duration) {
	m := &s.machine
	m.tick(now)
	if !s.disabled && now >= s.reopen {
		l.reopen(s, now)
	}
	for {
		p, found := m.send(now)
		if !found {
			break
		}
		if s.receiver == nil {
			continue
		}
		p.put(&l.out)
		if s.sender.send(&l.out) {
			s.counts.sent.Add(1)
		}
	}
	if !s.disabled {
		s.publish(l.statusOf(s))
	}
	next = m.next()
	if !s.disabled && (s.receiver == nil || s.sender.broken) {
		next = min(next, s.reopen)
	}
	return next
}

func (l *loop) statusOf(s *Session) Status {
	m := &s.machine
	status := Status{
		State: m.state, Diagnostic: m.diagnostic, RemoteState: m.remoteState, RemoteDiagnostic: m.remoteDiagnostic, DetectionTime: m.detectionTime(),
	}
	switch {
	case s.failure != "":
		status.Problem = s.failure
	case s.sender.problem != "":
		status.Problem = s.sender.problem
	case s.far != "":
		status.Problem = s.far
	case s.sender.refused:
		status.Problem = refused
	case m.profile.Echo:
		status.Problem = echoRefused
	}
	return status
}

// add begins a session.
func (l *loop) add(s *Session) {
	var seed [16]byte
	_, _ = rand.Read(seed[:])                                                                                          // It never fails.
	random := mathrand.New(mathrand.NewPCG(binary.NativeEndian.Uint64(seed[:]), binary.NativeEndian.Uint64(seed[8:]))) //nolint:gosec // For jitter.
	s.machine = newMachine(l.discriminator(), s.config.Profile, random, monotonic())
	s.sender.fd = -1
	// The router takes packets of both for one session.
	l.sessions = slices.DeleteFunc(l.sessions, func(other *Session) bool {
		former := other.disabled && other.config.Peer == s.config.Peer && other.config.Device == s.config.Device
		if former {
			l.end(other)
		}
		return former
	})
	l.sessions = append(l.sessions, s)
	l.byDiscriminator[s.machine.mine] = s
}

// discriminator is random, so that nobody guesses it who does not see the packets, and no other session's (RFC 5880 section 6.8.1).
func (l *loop) discriminator() uint32 {
	for {
		var octets [4]byte
		_, _ = rand.Read(octets[:])
		d := binary.NativeEndian.Uint32(octets[:])
		if _, taken := l.byDiscriminator[d]; d != 0 && !taken {
			return d
		}
	}
}

func (l *loop) configure(s *Session, p bgp.BFDProfile) {
	if s.disabled || !slices.Contains(l.sessions, s) {
		return
	}
	s.machine.configure(p, monotonic())
}

// disable ends a session, which the peer is told of at once.
func (l *loop) disable(s *Session) {
	if s.disabled || !slices.Contains(l.sessions, s) {
		return
	}
	s.disabled = true
	l.unlist(s)
	now := monotonic()
	s.machine.disable(now)
	l.serve(s, now)
}

// unlist has no more packets come to the session.
func (l *loop) unlist(s *Session) {
	delete(l.byDiscriminator, s.machine.mine)
	if l.byAddress[s.key] == s {
		delete(l.byAddress, s.key)
	}
}

// forget frees what a session that is over has.
func (l *loop) forget(s *Session) {
	l.sessions = slices.DeleteFunc(l.sessions, func(other *Session) bool { return other == s })
	l.end(s)
}

func (l *loop) end(s *Session) {
	l.unlist(s)
	l.shut(s, "")
	l.set.remove(s)
}

// reopen opens the sockets of a session that has none, or, while it is not up, others in place of one that packets cannot be sent from.
func (l *loop) reopen(s *Session, now time.Duration) {
	s.reopen = now + reopenTime
	if s.receiver != nil && (!s.sender.broken || s.machine.state == Up) {
		return
	}
	l.shut(s, "")
	if err := l.tryOpen(s); err != nil {
		l.shut(s, err.Error())
		return
	}
	s.failure = ""
}

func (l *loop) tryOpen(s *Session) error {
	hops, err := reach(s.config)
	if err != nil {
		return err
	}
	s.hops = hops
	at := door{port: singleHopPort, six: !s.config.Peer.Unmap().Is4(), device: s.config.Device}
	if hops == MultiHop {
		at.port = multiHopPort
	}
	if err := s.sender.open(s.config, at.port); err != nil {
		return err
	}
	r, err := l.receiverAt(at)
	if err != nil {
		return err
	}
	r.users++
	s.receiver = r
	k := key{receiver: r, peer: s.config.Peer.Unmap().WithZone(""), local: s.sender.local, device: s.sender.device}
	if other := l.byAddress[k]; other != nil && other != s {
		return errTwice
	}
	s.key = k
	l.byAddress[k] = s
	return nil
}

// shut closes the sockets of a session.
func (l *loop) shut(s *Session, why string) {
	s.failure = why
	s.sender.close()
	if l.byAddress[s.key] == s {
		delete(l.byAddress, s.key)
	}
	r := s.receiver
	s.receiver = nil
	if r == nil {
		return
	}
	if r.users--; r.users == 0 {
		_ = unix.Close(r.fd)
		delete(l.receivers, r.at)
		l.polled = slices.DeleteFunc(l.polled, func(p unix.PollFd) bool { return p.Fd == int32(r.fd) }) //nolint:gosec // Descriptors are small.
	}
}

// receiverAt returns the socket, which is opened if it is not open.
func (l *loop) receiverAt(at door) (*receiver, error) {
	if r := l.receivers[at]; r != nil {
		return r, nil
	}
	r, err := openReceiver(at, l.receivers)
	if err != nil {
		return nil, err
	}
	l.receivers[at] = r
	l.polled = append(l.polled, unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN}) //nolint:gosec // Descriptors are small.
	return r, nil
}

// sleep waits for the time, a packet or a task. What comes within a turn's time, or is due then, waits and is dealt with together.
func (l *loop) sleep(next time.Duration) {
	l.yieldToNobody()
	l.poll(l.polled[:1], l.turnTime())
	if left := next - monotonic(); left > 0 && l.polled[0].Revents == 0 {
		l.poll(l.polled, left)
	}
	if l.polled[0].Revents != 0 {
		var rung [8]byte
		_, _ = unix.Read(l.bell, rung[:]) // It does not wait.
	}
}

// yieldToNobody yields the processor if no other goroutine wants it. Go's runtime has a monitor, which checks every 20 µs on a goroutine that
// has not yielded for 10 ms, even while the goroutine waits in the kernel. These checks cost as much as all sessions. In a busy process the
// loop does not yield, since it would have to wait for its next turn.
func (l *loop) yieldToNobody() {
	metrics.Read(l.others[:])
	if running, runnable := l.others[0].Value.Uint64(), l.others[1].Value.Uint64(); running <= 1 && runnable == 0 {
		runtime.Gosched()
	}
}

// poll waits for so long, or until there is something to read. It waits in the kernel by itself: Go's poller, and its timers, come late where the
// process has much else to do, and in a collection of garbage by more than a tenth of a second.
func (l *loop) poll(on []unix.PollFd, d time.Duration) {
	const longest = time.Hour
	t := unix.NsecToTimespec(int64(min(d, longest)))
	_, _ = unix.Ppoll(on, &t, nil) // If it is interrupted there is one more turn.
}

// turnTime is what a turn takes at least: as long as matters to no session.
func (l *loop) turnTime() time.Duration {
	turn := longestTurn
	for _, s := range l.sessions {
		turn = min(turn, s.machine.interval()/turnsPerInterval)
	}
	return max(turn, shortestTurn)
}

// started is a moment before every other.
var started = time.Now()

// monotonic is the time since then, by a clock that nobody sets.
func monotonic() time.Duration { return time.Since(started) }
