// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta2"
)

// perNode parses the templates.
func (r *peerReader) perNode(s *v1beta2.BGPPeerSpec) PerNode {
	if s.PerNode == nil {
		return PerNode{}
	}
	parse := func(name, text string, useless bool, instead string) Template {
		if text == "" {
			return Template{}
		}
		path := r.spec.Child("perNode", name)
		t, err := ParseTemplate(text)
		switch {
		case err != nil:
			r.errs = append(r.errs, field.Invalid(path, text, err.Error()))
		case useless:
			r.errs = append(r.errs, field.Invalid(path, text, "has no effect with "+instead+"; remove one"))
		}
		return t
	}
	n := s.PerNode
	return PerNode{
		myASN:          parse("myASN", n.MyASN, s.LocalASN != 0, "localASN"),
		peerASN:        parse("peerASN", n.ASN, s.DynamicASN != "", "dynamicASN"),
		source:         parse("sourceAddress", n.SrcAddress, s.Interface != "", "interface"),
		routerID:       parse("routerID", n.RouterID, false, ""),
		passwordSecret: parse("passwordSecret", n.PasswordSecret, s.Password != "", "password"),
	}
}

func hasPerNode(s *v1beta2.BGPPeerSpec, value func(*v1beta2.PerNode) string) bool {
	return s.PerNode != nil && value(s.PerNode) != ""
}

// ParsePeerFor returns what the object means on the node: as ParsePeer, with the node's values in place of those in the spec. An error
// names the field of perNode, and the node's value or what the node lacks.
func ParsePeerFor(p *v1beta2.BGPPeer, node Node) (Peer, field.ErrorList) {
	peer, errs := ParsePeer(p)
	if len(errs) > 0 || !peer.PerNode.Any() {
		return peer, errs
	}
	resolved := *p
	s := &resolved.Spec
	s.PerNode = nil
	path := field.NewPath("spec", "perNode")
	fill := func(name, written string, t Template, set func(value string) error) {
		if !t.IsSet() {
			return
		}
		value, err := t.For(node)
		if err == nil {
			err = set(value)
		}
		if err != nil {
			errs = append(errs, field.Invalid(path.Child(name), written, err.Error()))
		}
	}
	text := func(into *string) func(string) error {
		return func(value string) error {
			*into = value
			return nil
		}
	}
	n := p.Spec.PerNode
	fill("myASN", n.MyASN, peer.PerNode.myASN, number(&s.MyASN))
	fill("peerASN", n.ASN, peer.PerNode.peerASN, number(&s.ASN))
	fill("sourceAddress", n.SrcAddress, peer.PerNode.source, text(&s.SrcAddress))
	fill("routerID", n.RouterID, peer.PerNode.routerID, text(&s.RouterID))
	fill("passwordSecret", n.PasswordSecret, peer.PerNode.passwordSecret, secretName(&s.PasswordSecret.Name))
	if len(errs) > 0 {
		return Peer{}, errs
	}
	return ParsePeer(&resolved)
}

func number(into *uint32) func(string) error {
	return func(value string) error {
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil || n == 0 {
			return fmt.Errorf("on this node it is %q, which is no number from 1 to 4294967295", value)
		}
		*into = uint32(n)
		return nil
	}
}

func secretName(into *string) func(string) error {
	return func(value string) error {
		if problems := validation.IsDNS1123Subdomain(value); len(problems) > 0 {
			return fmt.Errorf("on this node it is %q, which is no name of a Secret", value)
		}
		*into = value
		return nil
	}
}
