// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Forwarder is an FRR that installs its routes in the kernel of its node.
type Forwarder struct{ frr }

// NewForwarder makes a Forwarder that is not started.
func NewForwarder(tb testing.TB, node *Node, neighbor Neighbor) *Forwarder {
	tb.Helper()
	f := &Forwarder{frr{node: node, dir: socketDir(tb), forwards: true}}
	f.Configure(tb, neighbor)
	return f
}

// FRRWithZebra makes an FRR with the configuration, which is not started. It installs routes in the kernel of its node, and sends router
// advertisements to unnumbered neighbours.
func FRRWithZebra(tb testing.TB, node *Node, configuration string) Program {
	tb.Helper()
	f, _ := FRRWith(tb, node, configuration).(*frr)
	f.forwards = true
	return f
}

// startZebra starts what installs routes, and returns the socket at which it takes them.
func (f *frr) startZebra(tb testing.TB, log *log) string {
	tb.Helper()
	writeFile(tb, filepath.Join(f.dir, "zebra.conf"), "log stdout\n")
	chown(tb, f.dir, "zebra.conf")
	socket := filepath.Join(f.dir, "zserv.api")
	p, err := f.node.start(log, zebraProgram, "-f", filepath.Join(f.dir, "zebra.conf"), "-i", filepath.Join(f.dir, "zebra.pid"),
		"--vty_socket", f.dir, "-z", socket, "-P", "0", "--log", "stdout")
	if err != nil {
		tb.Fatal(err)
	}
	f.zebra = p
	tb.Cleanup(p.kill)
	awaitReady(tb, p, log, func() bool {
		c, err := (&net.Dialer{}).DialContext(tb.Context(), "unix", socket) // What an earlier one has left does not answer.
		return err == nil && c.Close() == nil
	})
	return socket
}

// chown gives the directory, and the file in it, to FRR's account, which zebra changes to.
func chown(tb testing.TB, dir, file string) {
	tb.Helper()
	account, err := user.Lookup("frr")
	if err != nil {
		tb.Fatalf("account of zebra: %v: install package frr", err)
	}
	uid, uidErr := strconv.Atoi(account.Uid)
	gid, gidErr := strconv.Atoi(account.Gid)
	if err := errors.Join(uidErr, gidErr, os.Chown(dir, uid, gid), os.Chown(filepath.Join(dir, file), uid, gid)); err != nil {
		tb.Fatalf("directory of zebra: %v", err)
	}
}

// Spread asks the node's kernel over which next hop it sends each of many TCP connections to the IPv4 address, which differ in their source
// ports, and returns how many go where.
func (f *Forwarder) Spread(tb testing.TB, address netip.Addr, connections int) map[netip.Addr]int {
	tb.Helper()
	var questions strings.Builder
	for i := range connections {
		fmt.Fprintf(&questions, "route get %s ipproto tcp sport %d dport 80\n", address, 10_000+i)
	}
	// By default connections between two hosts go one way (fib_multipath_hash_policy of the kernel).
	f.node.run(tb, "", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/fib_multipath_hash_policy")
	spread := map[netip.Addr]int{}
	for _, hop := range regexp.MustCompile(`via (\S+)`).FindAllStringSubmatch(f.node.run(tb, questions.String(), "ip", "-batch", "-"), -1) {
		spread[netip.MustParseAddr(hop[1])]++
	}
	return spread
}

// run runs a program in the node's namespace, and returns what it writes.
func (n *Node) run(tb testing.TB, input, program string, args ...string) string {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), "nsenter", n.inNamespace(program, args)...)
	command.Stdin = strings.NewReader(input)
	out, err := command.CombinedOutput()
	if err != nil {
		tb.Fatalf("%s in the node's namespace: %v: %s", program, err, out)
	}
	return string(out)
}
