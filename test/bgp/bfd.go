// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BFDSession is a BFD session as the router tells it.
type BFDSession struct {
	// State is Up, Down, Init or AdminDown.
	State string
	// Interval between the packets that the router sends, and Timeout after which silence it gives the speaker up, both 0 where it does not say.
	Interval, Timeout time.Duration
	// RemoteTransmit, RemoteReceive, RemoteEcho and RemoteMultiplier are what the speaker has said, 0 where the router does not tell (BIRD).
	RemoteTransmit, RemoteReceive, RemoteEcho time.Duration
	RemoteMultiplier                          int
	// RemoteDiagnostic is what the speaker has said, in FRR's words.
	RemoteDiagnostic string
}

// BFDRouter is a Program with BFD.
type BFDRouter interface {
	Program
	// BFD asks for the only BFD session; without one it is the zero value. It fails the test if the program does not answer.
	BFD(tb testing.TB) BFDSession
	// Change has it go by another configuration without being started again: of BFD for FRR, the whole one for BIRD.
	Change(tb testing.TB, configuration string)
}

// BIRDWithBFD makes a BIRD with the configuration, which is not started.
func BIRDWithBFD(tb testing.TB, node *Node, configuration string) BFDRouter {
	tb.Helper()
	b, _ := BIRDWith(tb, node, configuration).(*bird)
	return b
}

// FRRWithBFD makes an FRR with the configurations of its bgpd and its bfdd, which is not started.
func FRRWithBFD(tb testing.TB, node *Node, bgp, bfd string) BFDRouter {
	tb.Helper()
	f, _ := FRRWithZebra(tb, node, bgp).(*frr)
	f.watches = true
	writeFile(tb, filepath.Join(f.dir, "bfdd.conf"), "log stdout\n"+bfd)
	return f
}

// startBFD starts what speaks BFD, which finds its clients by zebra.
func (f *frr) startBFD(tb testing.TB, log *log, zebra string) {
	tb.Helper()
	chown(tb, f.dir, "bfdd.conf")
	p, err := f.node.start(log, bfddProgram, "-f", filepath.Join(f.dir, "bfdd.conf"), "-i", filepath.Join(f.dir, "bfdd.pid"),
		"--vty_socket", f.dir, "-z", zebra, "-P", "0", "--bfdctl", filepath.Join(f.dir, "bfdd.sock"), "--log", "stdout")
	if err != nil {
		tb.Fatal(err)
	}
	f.bfdd = p
	tb.Cleanup(p.kill)
	awaitReady(tb, p, log, func() bool { _, err := f.try(tb, "bfdd", "show bfd peers json"); return err == nil })
}

// BFD implements BFDRouter.
func (f *frr) BFD(tb testing.TB) BFDSession {
	tb.Helper()
	out, err := f.try(tb, "bfdd", "show bfd peers json")
	var peers []struct {
		Status           string `json:"status"`
		Transmit         int    `json:"transmit-interval"`
		RemoteTransmit   int    `json:"remote-transmit-interval"`
		RemoteReceive    int    `json:"remote-receive-interval"`
		RemoteEcho       int    `json:"remote-echo-receive-interval"`
		RemoteMultiplier int    `json:"remote-detect-multiplier"`
		RemoteDiagnostic string `json:"remote-diagnostic"`
	}
	if err == nil {
		err = json.Unmarshal([]byte(out), &peers)
	}
	if err != nil {
		tb.Fatalf("asking FRR for its BFD sessions: %v: %s", err, out)
	}
	if len(peers) == 0 {
		return BFDSession{}
	}
	p := peers[0]
	states := map[string]string{"up": "Up", "down": "Down", "init": "Init", "shutdown": "AdminDown"}
	milliseconds := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	return BFDSession{
		State: states[p.Status], RemoteTransmit: milliseconds(p.RemoteTransmit), RemoteReceive: milliseconds(p.RemoteReceive),
		RemoteEcho: milliseconds(p.RemoteEcho), RemoteMultiplier: p.RemoteMultiplier, RemoteDiagnostic: p.RemoteDiagnostic,
	}
}

// Change implements BFDRouter.
func (f *frr) Change(tb testing.TB, configuration string) {
	tb.Helper()
	if _, err := f.try(tb, "bfdd", append([]string{"configure terminal"}, strings.Split(strings.TrimSpace(configuration), "\n")...)...); err != nil {
		tb.Fatalf("changing FRR's configuration: %v", err)
	}
}

// bfdLine is of "show bfd sessions": address, interface, state, since when, interval, timeout.
var bfdLine = regexp.MustCompile(`(?m)^\S*[.:]\S*\s+\S+\s+(Up|Down|Init|AdminDown)\s.*\s([\d.]+)\s+([\d.]+)\s*$`)

// BFD implements BFDRouter.
func (b *bird) BFD(tb testing.TB) BFDSession {
	tb.Helper()
	line := bfdLine.FindStringSubmatch(b.ask(tb, "show bfd sessions"))
	if line == nil {
		return BFDSession{}
	}
	seconds := func(s string) time.Duration {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			tb.Fatalf("BIRD tells the time %q", s)
		}
		return time.Duration(f * float64(time.Second))
	}
	return BFDSession{State: line[1], Interval: seconds(line[2]), Timeout: seconds(line[3])}
}

// Change implements BFDRouter.
func (b *bird) Change(tb testing.TB, configuration string) {
	tb.Helper()
	writeFile(tb, filepath.Join(b.dir, "bird.conf"), configuration)
	b.ask(tb, "configure")
}
