// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"

	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/lifetime"
	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/router/bird"
)

// rackedRouter is a BIRD in the rack, at addresses of its own, whose peers are the nodes.
type rackedRouter struct {
	// Address is an IPv4 address of cluster.NodeNetwork. Address6 belongs to it.
	Address string
	// LocalASN is the router's, PeerASN what it expects of the nodes.
	LocalASN, PeerASN int
	Password          string
	Nodes             []cluster.Node

	dir string
}

const rackedConfiguration = `log stderr all;
router id {{.Address}};
protocol device { scan time 2; }
template bgp node {
  strict bind on;
  direct;
  passive on;
  error wait time 1, 2;
  error forget time 5;
{{- with .Password}}
  password "{{.}}";
{{- end}}
  ipv4 { import all; export none; };
  ipv6 { import all; export none; };
}
{{- range .Nodes}}
protocol bgp from node { local {{$.Address}} as {{$.LocalASN}}; neighbor {{.Addr}} as {{$.PeerASN}}; }
protocol bgp from node { local {{$.Address6}} as {{$.LocalASN}}; neighbor {{.Addr6}} as {{$.PeerASN}}; }
{{- end}}
`

// Address6 returns the IPv6 address with the digits of the IPv4 address.
func (r *rackedRouter) Address6() string { return address6(r.Address) }

// address6 returns the IPv6 address on the bridge that belongs to an IPv4 address.
func address6(address string) string {
	return strings.TrimSuffix(cluster.NodeNetwork6, "/64") + address[strings.LastIndex(address, ".")+1:]
}

// start runs the router until the test ends.
func (r *rackedRouter) start(t *testing.T) {
	t.Helper()
	rack(t, "", "ip", "address", "add", r.Address+"/24", "dev", "eth0")
	rack(t, "", "ip", "address", "add", r.Address6()+"/64", "dev", "eth0", "nodad")
	dir, err := os.MkdirTemp("", "racked") //nolint:usetesting // A socket's path must be short.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r.dir = dir
	r.write(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(context.WithoutCancel(t.Context()), "ip", "netns", "exec", playground.RackNamespace,
		"bird", "-f", "-c", r.file("bird.conf"), "-s", r.file("bird.ctl"), "-P", r.file("bird.pid"))
	command.Stdout, command.Stderr = log, log
	lifetime.Bind(command, syscall.SIGKILL)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the router at %s wrote:\n%s", r.Address, text)
		}
	})
	eventually(t, "the router at "+r.Address, func() string {
		if err := r.ask(t, "show status"); err != nil {
			return err.Error()
		}
		return ""
	})
}

func (r *rackedRouter) file(name string) string { return filepath.Join(r.dir, name) }

func (r *rackedRouter) write(t *testing.T) {
	t.Helper()
	var text bytes.Buffer
	if err := template.Must(template.New("").Parse(rackedConfiguration)).Execute(&text, r); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.file("bird.conf"), text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// configure has the router take up what it is now.
func (r *rackedRouter) configure(t *testing.T) {
	t.Helper()
	r.write(t)
	if err := r.ask(t, "configure"); err != nil {
		t.Fatalf("configuring the router at %s: %v", r.Address, err)
	}
}

func (r *rackedRouter) ask(t *testing.T, command string) error {
	t.Helper()
	_, err := bird.Ask(t.Context(), r.file("bird.ctl"), command)
	return err
}

// rack runs a program in the rack's network namespace.
func rack(t *testing.T, stdin, program string, args ...string) {
	t.Helper()
	within(t, playground.RackNamespace, stdin, program, args...)
}

// within runs a program in a network namespace, and returns what it printed.
func within(t *testing.T, namespace, stdin, program string, args ...string) string {
	t.Helper()
	// What is undone after a test, when its own context has ended, is done so as well.
	command := exec.CommandContext(context.WithoutCancel(t.Context()), "ip", append([]string{"netns", "exec", namespace, program}, args...)...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v in %s: %v\n%s", program, args, namespace, err, out)
	}
	return string(out)
}
