// SPDX-License-Identifier: Apache-2.0

package debug

import (
	"context"
	"net/netip"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/policy"
)

// policyPage is what the configuration means to the node.
type policyPage struct {
	Node string `json:"node"`
	// NetworkUnavailable keeps the node from announcing anything, as Drained does.
	NetworkUnavailable bool `json:"networkUnavailable"`
	// Leaving is why the node is taken out of service, Draining whether all paths drain, and Drained whether they have and are withdrawn.
	Leaving  string `json:"leaving,omitempty"`
	Draining bool   `json:"draining"`
	Drained  bool   `json:"drained"`
	// ProxyPending are the families that the node announces nothing of until its service proxy forwards connections.
	ProxyPending []string        `json:"proxyPending,omitempty"`
	Sessions     []sessionConfig `json:"sessions"`
	Pools        []pool          `json:"pools"`
	// Rejections are what is wrong with objects of the configuration.
	Rejections []rejection `json:"rejections"`
}

// sessionConfig is what a session is to be. Of the password it only says whether there is one.
type sessionConfig struct {
	Peer           string     `json:"peer"`
	Address        string     `json:"address"`
	LocalASN       uint32     `json:"localASN"`
	PeerASN        string     `json:"peerASN"`
	RouterID       netip.Addr `json:"routerID"`
	Source         string     `json:"source,omitempty"`
	HoldTime       string     `json:"holdTime"`
	KeepaliveTime  string     `json:"keepaliveTime"`
	ConnectTime    string     `json:"connectTime"`
	RestartTime    string     `json:"restartTime,omitempty"`
	OnNotification bool       `json:"restartOnNotification,omitempty"`
	Families       string     `json:"families"`
	TTL            int        `json:"ttl,omitempty"`
	MinTTL         int        `json:"minTTL,omitempty"`
	VRF            string     `json:"vrf,omitempty"`
	HasPassword    bool       `json:"hasPassword"`
	// BFDProfile is the name of the profile in use.
	BFDProfile string `json:"bfdProfile,omitempty"`
}

type pool struct {
	Name string `json:"name"`
	// Exists is whether the pool is in use. If not, it is rejected, or advertisements name it.
	Exists         bool            `json:"exists"`
	Ranges         []string        `json:"ranges"`
	Advertisements []advertisement `json:"advertisements"`
}

type advertisement struct {
	Name                string   `json:"name"`
	AggregationLength   int      `json:"aggregationLength"`
	AggregationLengthV6 int      `json:"aggregationLengthV6"`
	LocalPref           uint32   `json:"localPref,omitempty"`
	ASPathPrepend       uint8    `json:"asPathPrepend,omitempty"`
	MED                 *uint32  `json:"med,omitempty"`
	WeightByEndpoints   bool     `json:"weightByEndpoints,omitempty"`
	Communities         []string `json:"communities,omitempty"`
	ServiceSelectors    []string `json:"serviceSelectors,omitempty"`
	PeersIPv4           []string `json:"peersIPv4"`
	PeersIPv6           []string `json:"peersIPv6"`
}

type rejection struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
	// Effect is what comes of it.
	Effect string `json:"effect"`
}

func tellPolicy(_ context.Context, q *question) (any, error) {
	p := q.now.Policy
	page := policyPage{
		Node: q.now.Node, NetworkUnavailable: p.NetworkUnavailable, Leaving: p.Leaving.String(), Draining: p.Draining, Drained: p.Drained,
		Sessions: []sessionConfig{}, Pools: []pool{}, Rejections: []rejection{},
	}
	for family, pending := range p.ProxyPending {
		if pending {
			page.ProxyPending = append(page.ProxyPending, endpoint.Family(family).String())
		}
	}
	for i := range p.Sessions {
		if c := &p.Sessions[i]; q.peer == "" || q.peer == c.Name {
			page.Sessions = append(page.Sessions, configOf(c))
		}
	}
	for _, candidate := range p.Pools() {
		if q.pool == "" || q.pool == candidate.Name {
			page.Pools = append(page.Pools, poolOf(p, candidate))
		}
	}
	for _, r := range q.now.Rejections {
		if concerns(q.filters, &r) {
			page.Rejections = append(page.Rejections, rejection{r.Kind, r.Name, r.Reason, r.Effect.String()})
		}
	}
	if q.peer != "" && len(page.Sessions)+len(page.Rejections) == 0 {
		return nil, unmatched("BGPPeer", q.peer)
	}
	if q.pool != "" && len(page.Pools)+len(page.Rejections) == 0 {
		return nil, unmatched("IPAddressPool", q.pool)
	}
	return page, nil
}

// concerns reports whether the rejected object is what the filters name.
func concerns(f filters, r *policy.Rejection) bool {
	return f == (filters{}) || r.Kind == active.KindBGPPeer && r.Name == f.peer || r.Kind == active.KindIPAddressPool && r.Name == f.pool
}

func configOf(c *bgp.Peer) sessionConfig {
	config := sessionConfig{
		Peer: c.Name, Address: c.Endpoint(), LocalASN: c.LocalASN, PeerASN: c.ExpectedASN(), RouterID: c.RouterID, Source: textOf(c.Source),
		HoldTime: c.HoldTime.String(), KeepaliveTime: c.KeepaliveTime.String(), ConnectTime: c.ConnectTime.String(),
		Families: c.Families.String(), TTL: c.TTL(), MinTTL: c.MinTTL(), VRF: c.VRF, HasPassword: c.Password != "", BFDProfile: c.BFD.Name,
		OnNotification: c.RestartOnNotification,
	}
	if c.RestartTime > 0 {
		config.RestartTime = c.RestartTime.String()
	}
	return config
}

func poolOf(p *policy.Policy, from *policy.Pool) pool {
	to := pool{Name: from.Name, Exists: p.Exists(from), Ranges: []string{}, Advertisements: []advertisement{}}
	for _, r := range from.Ranges() {
		to.Ranges = append(to.Ranges, r.From.String()+"-"+r.To.String())
	}
	for i := range from.Advertisements {
		a := &from.Advertisements[i]
		v4, v6 := a.AggregationLengths()
		to.Advertisements = append(to.Advertisements, advertisement{
			Name: a.Name, AggregationLength: v4, AggregationLengthV6: v6, LocalPref: a.LocalPref, ASPathPrepend: a.ASPathPrepend,
			MED: a.MED.Pointer(), WeightByEndpoints: a.WeightByEndpoints, Communities: textsOf(a.Communities), ServiceSelectors: a.ServiceSelectors(),
			PeersIPv4: orNone(a.PeersV4), PeersIPv6: orNone(a.PeersV6),
		})
	}
	return to
}

func textsOf(communities []bgp.Community) []string {
	texts := make([]string, 0, len(communities))
	for _, c := range communities {
		texts = append(texts, c.String())
	}
	return texts
}

// orNone makes an empty list one that says so.
func orNone(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// textOf returns nothing for no address.
func textOf(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
