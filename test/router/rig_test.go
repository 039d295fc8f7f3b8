// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"

	"metallb.io/metallb/test/freeport"
	"metallb.io/metallb/test/router/router"
)

// require skips a test on a machine that cannot run it; CI must be one that can.
func require(t *testing.T) {
	t.Helper()
	missing := ""
	if os.Getuid() != 0 {
		missing = "root"
	}
	for _, program := range []string{"bird", "ip", "nft", "/usr/lib/frr/bgpd", "/usr/lib/frr/zebra"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = program
		}
	}
	switch {
	case missing == "":
	case os.Getenv("CI") != "":
		t.Fatalf("%s is missing, and CI requires it", missing)
	default:
		t.Skipf("%s is missing", missing)
	}
}

// rig is a set of network namespaces that a test owns.
type rig struct {
	t      *testing.T
	prefix string
}

func newRig(t *testing.T, name string) rig {
	t.Helper()
	return rig{t: t, prefix: fmt.Sprintf("rt%d%s-", os.Getpid()%100000, name)}
}

// ns returns the full name of a namespace.
func (r rig) ns(name string) string { return r.prefix + name }

// add makes a namespace with its loopback up, and removes it after the test.
func (r rig) add(name string) {
	r.t.Helper()
	r.run("ip netns add " + r.ns(name))
	r.t.Cleanup(func() { r.run("ip netns del " + r.ns(name)) })
	r.run("ip -n " + r.ns(name) + " link set lo up")
}

// run runs a command; "@name" stands for the namespace of that name.
func (r rig) run(command string) string {
	r.t.Helper()
	words := strings.Fields(command)
	for i, w := range words {
		if name, found := strings.CutPrefix(w, "@"); found {
			words[i] = r.ns(name)
		}
	}
	out, err := exec.CommandContext(context.Background(), words[0], words[1:]...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v: %s", strings.Join(words, " "), err, out)
	}
	return string(out)
}

// wire joins an interface of a namespace, which has the addresses, to a bridge or another interface.
func (r rig) wire(a, aIf, b, bIf string) {
	r.t.Helper()
	r.run(fmt.Sprintf("ip -n @%s link add %s type veth peer name %s netns @%s", a, aIf, bIf, b))
	r.run(fmt.Sprintf("ip -n @%s link set %s up", a, aIf))
	r.run(fmt.Sprintf("ip -n @%s link set %s up", b, bIf))
}

func (r rig) address(ns, device string, addresses ...string) {
	r.t.Helper()
	for _, a := range addresses {
		command := fmt.Sprintf("ip -n @%s addr add %s dev %s", ns, a, device)
		if strings.Contains(a, ":") {
			command += " nodad"
		}
		r.run(command)
	}
}

// served is a running program.
type served struct {
	t    *testing.T
	url  string
	stop func() error
}

// program starts the program with a command line and waits until it is healthy.
func program(t *testing.T, args ...string) *served {
	t.Helper()
	address := freeport.Address(t)
	o, err := parse(append(args, "--listen", address))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, testr.New(t), o) }()
	var stopped bool
	s := &served{t: t, url: "http://" + address, stop: func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("ending the program: %v", err)
		}
	})
	s.eventually("healthy", func() bool {
		body, err := s.get("/healthz")
		return err == nil && string(body) == "ok\n"
	})
	return s
}

func (s *served) get(path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

func (s *served) snapshot() router.Snapshot {
	s.t.Helper()
	body, err := s.get("/api/routers")
	if err != nil {
		s.t.Fatal(err)
	}
	var snapshot router.Snapshot
	if err := json.Unmarshal(body, &snapshot); err != nil {
		s.t.Fatalf("%v: %s", err, body)
	}
	return snapshot
}

// eventually waits for a condition and prints what the routers say when it does not come true.
func (s *served) eventually(what string, condition func() bool) {
	s.t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			body, _ := s.get("/api/routers")
			s.t.Fatalf("never %s:\n%s", what, body)
		}
	}
}

// verdicts waits until every router's verdict is want.
func (s *served) verdicts(want router.Verdict) {
	s.t.Helper()
	s.eventually(string(want), func() bool {
		for _, r := range s.snapshot().Routers {
			if r.Verdict != want {
				return false
			}
		}
		return true
	})
}
