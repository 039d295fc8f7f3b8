// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"fmt"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta2"
)

// peer carries over a peer.
func (m *migration) peer(e entry) {
	d := newDraft(&m.remarks, e)
	p := &v1beta2.BGPPeer{}
	s := &p.Spec
	m.each(e.value, e.path, map[string]reader{
		"my-asn":         into(d, "myASN", number, &s.MyASN),
		"peer-asn":       into(d, "peerASN", number, &s.ASN),
		"peer-address":   into(d, "peerAddress", text, &s.Address),
		"peer-port":      into(d, "peerPort", port, &s.Port),
		"source-address": into(d, "sourceAddress", text, &s.SrcAddress),
		"router-id":      into(d, "routerID", text, &s.RouterID),
		"password":       into(d, "password", text, &s.Password),
		"hold-time":      d.duration("holdTime", &s.HoldTime),
		"keepalive-time": d.duration("keepaliveTime", &s.KeepaliveTime),
		"ebgp-multihop":  into(d, "ebgpMultiHop", truth, &s.EBGPMultiHop),
		"bfd-profile":    m.profileOf(d, &s.BFDProfile),
		"node-selectors": func(e entry) {
			if e.value.Kind != yaml.SequenceNode {
				d.spoil(e.line, "%s: must be a list", e.path)
				return
			}
			for _, selector := range m.items(e) {
				at := fmt.Sprintf("nodeSelectors[%d]", len(s.NodeSelectors))
				d.lines["spec."+at] = selector.line
				s.NodeSelectors = append(s.NodeSelectors, m.selector(d, at, selector))
			}
		},
	})
	if e.value.Kind != yaml.MappingNode {
		return
	}
	p.Name, p.Namespace = m.unique("peer", nameFor("peer-"+s.Address, "peer")), m.namespace
	_, errs := bgp.ParsePeer(p)
	m.add(d, p, errs)
}

// selector carries over a selector of nodes into the field.
func (m *migration) selector(d *draft, field string, e entry) metav1.LabelSelector {
	var s metav1.LabelSelector
	if e.value.Kind != yaml.MappingNode {
		d.spoil(e.line, "%s: must have match-labels or match-expressions", e.path)
		return s
	}
	m.each(e.value, e.path, map[string]reader{
		"match-labels": into(d, field+".matchLabels", mapOfStrings, &s.MatchLabels),
		"match-expressions": func(e entry) {
			for _, item := range m.items(e) {
				var r metav1.LabelSelectorRequirement
				operator := ""
				m.each(item.value, item.path, map[string]reader{
					"key":      into(d, field+".matchExpressions", text, &r.Key),
					"operator": into(d, field+".matchExpressions", text, &operator),
					"values":   d.list(field+".matchExpressions", &r.Values),
				})
				r.Operator = metav1.LabelSelectorOperator(operator)
				s.MatchExpressions = append(s.MatchExpressions, r)
			}
		},
	})
	if len(e.value.Content) > 0 && len(s.MatchLabels)+len(s.MatchExpressions) == 0 && !d.broken {
		d.spoil(e.line, "%s: with nothing that is carried over, it would select every node", e.path)
	}
	return s
}
