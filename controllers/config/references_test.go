// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"

	"metallb.io/metallb/controllers/config"
)

// TestAFileIsDeletedInTheOrderInWhichPeopleWriteIt is "kubectl delete -f": pool, peer, community and advertisement, while no
// service needs them.
func TestAFileIsDeletedInTheOrderInWhichPeopleWriteIt(t *testing.T) {
	t.Parallel()
	s := parseScene(t, `
		pool a: {addresses: [198.51.100.0/24]}
		peer tor-a: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.1.254}
		community colours: {communities: [{name: blue, value: "64512:1"}]}
		advertisement all: {ipAddressPools: [a], peers: [tor-a], communities: [blue]}`)
	objects := s.objects
	for _, step := range []struct{ key, want string }{
		{"pool a", namedWarning("all", "a")},
		{"peer tor-a", namedPeer("tor-a", "all")},
		{"community colours", usedAlias("blue", "all")},
		{"advertisement all", ""},
	} {
		change := config.Change{Old: s.byKey[step.key]}
		got := config.Check(namespace, objects, change, s.state())
		if len(got.Errors) > 0 {
			t.Errorf("%s is not deleted: %v", step.key, got.Errors)
		}
		if step.want != "" && (len(got.Warnings) != 1 || got.Warnings[0] != step.want) || step.want == "" && len(got.Warnings) > 0 {
			t.Errorf("%s: warnings %q, want %q", step.key, got.Warnings, step.want)
		}
		objects = objects.Apply(change)
	}
}
