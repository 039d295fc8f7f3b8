// SPDX-License-Identifier: Apache-2.0

package frr

import (
	"fmt"
	"strings"

	"metallb.io/metallb/test/router/router"
)

// zebraConfiguration lets a next hop be resolved through a default route, as it must be in a pod.
const zebraConfiguration = `hostname frr
ip nht resolve-via-default
ipv6 nht resolve-via-default
`

// bgpdConfiguration renders bgpd's configuration file.
//
// Sessions are multihop, as behind a Service's address a node is a hop away, and passive: the nodes dial. Nothing
// is announced to the nodes, not even routes of other nodes. FRR helps restarting neighbours (RFC 4724) without
// being told to.
func bgpdConfiguration(cfg router.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, `hostname frr
route-map nothing deny 10
exit
router bgp %d
 bgp router-id %s
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp bestpath as-path multipath-relax
 neighbor nodes peer-group
 neighbor nodes remote-as %s
 neighbor nodes passive
`, cfg.ASN, cfg.RouterID, cfg.Peers)
	if cfg.Peers != router.Internal && cfg.Peers != router.ExactASN(cfg.ASN) {
		b.WriteString(" neighbor nodes ebgp-multihop 255\n")
	}
	b.WriteString(` bgp listen limit 5000
 bgp listen range 0.0.0.0/0 peer-group nodes
 bgp listen range ::/0 peer-group nodes
`)
	for _, family := range []string{"ipv4", "ipv6"} {
		fmt.Fprintf(&b, ` address-family %s unicast
  neighbor nodes activate
  neighbor nodes route-map nothing out
  maximum-paths 64
  maximum-paths ibgp 64
 exit-address-family
`, family)
	}
	return b.String()
}
