// SPDX-License-Identifier: Apache-2.0

//go:build linux

package traffic_test

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"metallb.io/metallb/test/traffic"
)

// ip runs ip(8) with each of the lines.
func ip(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", line, err, out)
		}
	}
}

// router is a network namespace with a network of each family.
func router(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making a network namespace needs root")
	}
	name := fmt.Sprintf("traffic-%d", os.Getpid())
	ip(t, "netns add "+name)
	t.Cleanup(func() {
		if out, err := exec.Command("ip", "netns", "delete", name).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	ip(t, "-n "+name+" link add port type veth peer name far", "-n "+name+" link set port up", "-n "+name+" link set far up",
		"-n "+name+" address add 192.0.2.1/24 dev port", "-n "+name+" address add 2001:db8::1/64 dev port nodad")
	return name
}

func TestAWatchSeesEachPathThatGoesForAMoment(t *testing.T) {
	name := router(t)
	hops := map[string][2]string{"198.51.100.1/32": {"192.0.2.11", "192.0.2.12"}, "2001:db8:1::1/128": {"2001:db8::11", "2001:db8::12"}}
	route := func(verb, prefix string, gateways ...string) {
		line := "-n " + name + " route " + verb + " " + prefix
		for _, gateway := range gateways {
			line += " nexthop via " + gateway
		}
		ip(t, line)
	}
	prefixes := make([]netip.Prefix, 0, len(hops))
	for prefix, gateways := range hops {
		route("add", prefix, gateways[:]...)
		prefixes = append(prefixes, netip.MustParsePrefix(prefix))
	}
	watch, err := traffic.StartWatch("/run/netns/"+name, prefixes...)
	if err != nil {
		t.Fatal(err)
	}
	for prefix, gateways := range hops {
		route("replace", prefix, gateways[1])
		route("replace", prefix, gateways[:]...)
		// As BIRD does it.
		route("delete", prefix)
		route("add", prefix, gateways[:]...)
	}
	ip(t, "-n "+name+" route add 203.0.113.0/24 via 192.0.2.13", "-n "+name+" route delete 203.0.113.0/24")
	paths := stop(t, watch)
	if len(paths) != 2 || paths.Most() != 1 || paths.Longest() == 0 || paths.Longest() > 5*time.Second {
		t.Error(paths)
	}
	for prefix, gateways := range hops {
		if len(paths[traffic.Path{Prefix: netip.MustParsePrefix(prefix), Gateway: netip.MustParseAddr(gateways[0])}]) != 1 {
			t.Errorf("%s over %s was not missing", prefix, gateways[0])
		}
	}
}

func stop(t *testing.T, watch *traffic.Watch) traffic.Paths {
	t.Helper()
	paths, err := watch.Stop()
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestAWatchOfANamespaceThatIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	if _, err := traffic.StartWatch("/run/netns/no-such"); err == nil || !strings.Contains(err.Error(), "/run/netns/no-such") {
		t.Errorf("error %v", err)
	}
}
