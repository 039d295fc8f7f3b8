// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"metallb.io/metallb/internal/spelling"
)

// parents say where a key belongs that is found elsewhere. Keys that several parts of the configuration have are not among them.
var parents = map[string]string{ //nolint:gosec // The names of keys are no secrets.
	"my-asn": "a peer", "peer-asn": "a peer", "peer-address": "a peer", "peer-port": "a peer", "source-address": "a peer", "router-id": "a peer",
	"password": "a peer", "hold-time": "a peer", "keepalive-time": "a peer", "ebgp-multihop": "a peer", "bfd-profile": "a peer", "node-selectors": "a peer",
	"match-labels": "an item of node-selectors", "match-expressions": "an item of node-selectors",
	"receive-interval": "a BFD profile", "transmit-interval": "a BFD profile", "detect-multiplier": "a BFD profile", "echo-interval": "a BFD profile",
	"echo-mode": "a BFD profile", "passive-mode": "a BFD profile", "minimum-ttl": "a BFD profile",
	"addresses": "an address pool", "cidr": "an address pool", "auto-assign": "an address pool", "avoid-buggy-ips": "an address pool",
	"bgp-advertisements": "an address pool",
	"aggregation-length": "an item of bgp-advertisements", "aggregation-length-v6": "an item of bgp-advertisements",
	"localpref": "an item of bgp-advertisements", "communities": "an item of bgp-advertisements",
	"peers": "the top level", "address-pools": "the top level", "bgp-communities": "the top level", "bfd-profiles": "the top level",
	"peer-autodiscovery": "the top level",
}

// unknownKey says what is wrong with a key that has no reader here.
func unknownKey(key string, readers map[string]reader) string {
	here := slices.Sorted(maps.Keys(readers))
	written := strings.ToLower(strings.ReplaceAll(key, "_", "-"))
	if parent, known := parents[written]; known && !slices.Contains(here, written) {
		return "is in the wrong place: it belongs to " + parent
	}
	if meant := spelling.Meant(key, here); meant != "" {
		return fmt.Sprintf("unknown key; did you mean %q?", meant)
	}
	if meant := spelling.Meant(key, slices.Sorted(maps.Keys(parents))); meant != "" {
		return fmt.Sprintf("unknown key; did you mean %q, which belongs to %s?", meant, parents[meant])
	}
	return "unknown key"
}
