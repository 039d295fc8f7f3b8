// SPDX-License-Identifier: Apache-2.0

package route

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/policy"
)

// node is what one node does.
type node struct {
	*corev1.Node
	policy *policy.Policy
	// peers are those that it connects to, by name.
	peers      map[string]*bgp.Peer
	rejections []policy.Rejection
}

// node returns that of the name, nil if there is none.
func (t *Table) node(name string) *node {
	if n := t.nodes[name]; n != nil {
		return n
	}
	object, found := t.cluster.Node(name)
	if !found {
		return nil
	}
	in := policy.Input{Node: policy.NodeOf(object), Objects: active.Objects(t.objects), Active: t.active, Secrets: t.placeholders(object)}
	t.observed(&in.Node, object)
	n := &node{Node: object, peers: map[string]*bgp.Peer{}}
	n.policy, n.rejections = policy.Compile(in, nil)
	for i := range n.policy.Sessions {
		n.peers[n.policy.Sessions[i].Name] = &n.policy.Sessions[i]
	}
	t.nodes[name] = n
	return n
}

// errNotReported is why a router is not known.
var errNotReported = errors.New("the node's speaker has not reported the address of the router")

// observed fills in what only the node's speaker knows, from what it reports.
func (t *Table) observed(n *policy.Node, object *corev1.Node) {
	routers, gateways := map[string]netip.Addr{}, map[v1beta2.GatewayFamily]netip.Addr{}
	for _, peer := range slices.Sorted(maps.Keys(t.sessions[n.Name])) {
		s := t.sessions[n.Name][peer]
		if addr, err := netip.ParseAddr(s.Address); err == nil && t.peers[peer] != nil {
			routers[t.peers[peer].Spec.Interface], gateways[t.peers[peer].Spec.DefaultGateway] = addr, addr
		}
		for f := range endpoint.Families {
			n.ProxyPending[f] = n.ProxyPending[f] || slices.Contains(s.WithheldFamilies, f.Kind())
		}
		if c := meta.FindStatusCondition(s.Conditions, v1beta1.ConditionDrained); c != nil {
			n.Draining, n.Drained = true, c.Status == metav1.ConditionTrue
			if c.Reason != v1beta1.ReasonProxyFailing {
				n.Leaving = t.cluster.DrainRules().Of(object)
			}
		}
	}
	if n.Drained { // Then families are withheld for that.
		n.ProxyPending = endpoint.FamilySet{}
	}
	n.Router = func(device string) (netip.Addr, error) { return known(routers, device) }
	n.Gateway = func(family v1beta2.GatewayFamily) (netip.Addr, error) { return known(gateways, family) }
}

func known[K comparable](routers map[K]netip.Addr, key K) (netip.Addr, error) {
	if addr, found := routers[key]; found {
		return addr, nil
	}
	return netip.Addr{}, errNotReported
}

// placeholders are Secrets in place of those that peers name, which nobody has to be allowed to read. Each has a password of its own.
func (t *Table) placeholders(n *corev1.Node) []corev1.Secret {
	var all []corev1.Secret
	seen := map[types.NamespacedName]bool{{}: true}
	for i := range t.objects.Peers {
		peer, _ := bgp.ParsePeerFor(&t.objects.Peers[i], bgp.Node{Labels: n.Labels, Annotations: n.Annotations})
		ref := peer.PasswordSecret
		if seen[ref] || ref.Name == "" {
			continue
		}
		seen[ref] = true
		hash := sha256.Sum256([]byte(ref.String()))
		all = append(all, corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: ref.Namespace, Name: ref.Name}, Type: corev1.SecretTypeBasicAuth,
			Data: map[string][]byte{corev1.BasicAuthPasswordKey: []byte(hex.EncodeToString(hash[:]))},
		})
	}
	return all
}
