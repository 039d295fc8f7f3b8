// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"text/template"

	"metallb.io/metallb/test/lifetime"
)

// fabricRouter is an FRR in a network namespace of its name, whose ports have the names of what they lead to, and no addresses.
type fabricRouter struct {
	Name, ID string
	ASN      int
	Below    []string // are told nothing: nodes by leaves, and leaves by the spine
	Above    []string // are told everything

	dir     string
	daemons []daemon
}

// daemon is a process that runs until ended is closed.
type daemon struct {
	process *os.Process
	ended   chan struct{}
}

var fabricTemplate = template.Must(template.New("").Parse(`hostname {{.Name}}
log stdout warnings
route-map nothing deny 10
exit
router bgp {{.ASN}}
 bgp router-id {{.ID}}
 timers bgp 1 3
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp bestpath as-path multipath-relax
 bgp suppress-fib-pending
 neighbor below peer-group
 neighbor below remote-as external
 neighbor below timers connect 1
 neighbor above peer-group
 neighbor above remote-as external
 neighbor above timers connect 1
{{- range .Below}}
 neighbor {{.}} interface peer-group below
{{- end}}
{{- range .Above}}
 neighbor {{.}} interface peer-group above
{{- end}}
 address-family ipv4 unicast
  neighbor below activate
  neighbor below route-map nothing out
  neighbor above activate
  maximum-paths 64
 exit-address-family
 address-family ipv6 unicast
  neighbor below activate
  neighbor below route-map nothing out
  neighbor above activate
  maximum-paths 64
 exit-address-family
`))

// seenConnections counts the connections that are opened through a router. Answers go another way.
const seenConnections = `table inet seen {
  counter ipv4 { }
  counter ipv6 { }
  chain forward {
    type filter hook forward priority 0;
    meta nfproto ipv4 tcp flags & (syn | ack) == syn counter name ipv4
    meta nfproto ipv6 tcp flags & (syn | ack) == syn counter name ipv6
  }
}
`

// dead makes a router drop everything, while its links stay up.
const dead = `table inet dead {
  chain input { type filter hook input priority -10; policy drop; }
  chain output { type filter hook output priority -10; policy drop; }
  chain forward { type filter hook forward priority -10; policy drop; }
}
`

// ip runs ip(8).
func ip(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// link connects two namespaces until the test ends.
func link(t *testing.T, namespace, name, toNamespace, toName string) {
	t.Helper()
	ip(t, "link", "add", name, "netns", namespace, "type", "veth", "peer", "name", toName, "netns", toNamespace)
	t.Cleanup(func() { ip(t, "-n", namespace, "link", "delete", name) })
	ip(t, "-n", namespace, "link", "set", name, "up")
	ip(t, "-n", toNamespace, "link", "set", toName, "up")
}

// make makes the router's namespace and directory.
func (r *fabricRouter) make(t *testing.T) {
	t.Helper()
	ip(t, "netns", "add", r.Name)
	t.Cleanup(func() { ip(t, "netns", "delete", r.Name) })
	ip(t, "-n", r.Name, "link", "set", "lo", "up")
	within(t, r.Name, "", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.fib_multipath_hash_policy=1",
		"net.ipv6.fib_multipath_hash_policy=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
	dir, err := os.MkdirTemp("", r.Name) //nolint:usetesting // A socket's path must be short, and FRR's account gets to it.
	if err != nil {
		t.Fatal(err)
	}
	r.dir = dir
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
}

// start starts zebra, and bgpd when zebra takes routes.
func (r *fabricRouter) start(t *testing.T) {
	t.Helper()
	var bgpd bytes.Buffer
	if err := fabricTemplate.Execute(&bgpd, r); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"zebra.conf": "log stdout warnings\n", "bgpd.conf": bgpd.String(), "vtysh.conf": ""} {
		if err := os.WriteFile(r.file(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	account, err := user.Lookup("frr")
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.Atoi(account.Uid)
	gid, gidErr := strconv.Atoi(account.Gid)
	if err := errors.Join(uidErr, gidErr, os.Chown(r.dir, uid, gid)); err != nil { // zebra changes to that account
		t.Fatal(err)
	}
	for _, command := range [][]string{{"zebra", "-u", "frr"}, {"bgpd", "-S"}} {
		r.run(t, command[0], command[1:]...)
		eventually(t, command[0]+" of "+r.Name, func() string {
			if out, err := r.ask(t, command[0], "show version"); err != nil {
				return out
			}
			return ""
		})
	}
}

func (r *fabricRouter) file(name string) string { return filepath.Join(r.dir, name) }

// run runs a daemon of the router until it dies or the test ends.
func (r *fabricRouter) run(t *testing.T, program string, args ...string) {
	t.Helper()
	var output bytes.Buffer
	args = append([]string{"netns", "exec", r.Name, "/usr/lib/frr/" + program, "-f", r.file(program + ".conf"), "-i", r.file(program + ".pid"),
		"--vty_socket", r.dir, "-z", r.file("zserv.api"), "-P", "0", "--log", "stdout", "--log-level", "warnings"}, args...)
	command := exec.CommandContext(context.WithoutCancel(t.Context()), "ip", args...)
	command.Stdout, command.Stderr = &output, &output
	lifetime.Bind(command, syscall.SIGKILL)
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // A daemon dies with the thread that has started it, which therefore has no other use.
		defer close(ended)
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	r.daemons = append(r.daemons, daemon{command.Process, ended})
	t.Cleanup(func() {
		r.kill()
		if t.Failed() {
			t.Logf("%s of %s wrote:\n%s", program, r.Name, output.String())
		}
	})
}

// kill ends the daemons without a word to their neighbours but what the kernel says.
func (r *fabricRouter) kill() {
	for _, d := range r.daemons {
		_ = d.process.Kill()
		<-d.ended
	}
	r.daemons = nil
}

// die makes the router silent: nothing that the kernel says of the sessions of the daemons that end is heard, no packet is forwarded, and
// its links stay up.
func (r *fabricRouter) die(t *testing.T) {
	t.Helper()
	within(t, r.Name, dead, "nft", "-f", "-")
	r.kill()
}

// ask asks a daemon by vtysh, which takes its time: of a bgpd that was started as soon as its zebra answered, the sessions without addresses
// sometimes did not come up.
func (r *fabricRouter) ask(t *testing.T, program, question string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "vtysh", "--vty_socket", r.dir, "--config_dir", r.dir, "-d", program, "-c", question).CombinedOutput()
	return string(out), err
}
