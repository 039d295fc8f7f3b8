// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/internal/fields"
	"metallb.io/metallb/api/v1beta2"
)

// MaxPasswordLength is the longest key, in bytes, that Linux takes for TCP MD5 (TCP_MD5SIG_MAXKEYLEN).
const MaxPasswordLength = 80

// maxTime is the longest time that BGP can express: its messages carry seconds in 16 bits.
const maxTime = math.MaxUint16 * time.Second

// ParsePeer returns what the object means, or every error in it, each with field, value and remedy. Fields that are not
// honoured yet are errors where they ask for something.
func ParsePeer(p *v1beta2.BGPPeer) (Peer, field.ErrorList) {
	r := peerReader{spec: field.NewPath("spec")}
	s := &p.Spec
	r.unsupported(s)
	peer := Peer{
		Name:           p.Name,
		LocalASN:       s.MyASN,
		PeerASN:        s.ASN,
		Port:           r.port(s.Port),
		Address:        r.peerAddress(s),
		ConnectTime:    r.connectTime(s.ConnectTime),
		RouterID:       r.routerID(s.RouterID),
		Password:       r.password(s),
		PasswordSecret: passwordSecret(p),
		MultiHop:       s.EBGPMultiHop,
	}
	r.asns(s)
	peer.Source = r.source(s.SrcAddress, peer.Address)
	peer.HoldTime, peer.KeepaliveTime = r.timers(s.HoldTime, s.KeepaliveTime)
	selectors, errs := fields.Selectors(r.spec, "nodeSelectors", s.NodeSelectors)
	peer.NodeSelectors = selectors
	if errs = append(r.errs, errs...); len(errs) > 0 {
		return Peer{}, errs
	}
	return peer, nil
}

// peerReader reads a BGPPeer's fields and gathers what is wrong with them.
type peerReader struct {
	spec *field.Path
	errs field.ErrorList
}

func (r *peerReader) invalid(name string, value any, format string, args ...any) {
	r.errs = append(r.errs, field.Invalid(r.spec.Child(name), value, fmt.Sprintf(format, args...)))
}

func (r *peerReader) required(name, detail string) {
	r.errs = append(r.errs, field.Required(r.spec.Child(name), detail))
}

// unsupported refuses what would otherwise be ignored in silence.
func (r *peerReader) unsupported(s *v1beta2.BGPPeerSpec) {
	refuse := func(asked bool, name, remedy string) {
		if asked {
			r.errs = append(r.errs, field.Forbidden(r.spec.Child(name), name+" is not supported yet; "+remedy))
		}
	}
	refuse(s.DynamicASN != "", "dynamicASN", "remove it and set peerASN")
	refuse(s.LocalASN != 0, "localASN", "remove it and set myASN")
	refuse(s.Interface != "", "interface", "remove it and set peerAddress")
	refuse(s.BFDProfile != "", "bfdProfile", "remove it; holdTime bounds how long a dead peer goes unnoticed")
	refuse(s.EnableGracefulRestart, "enableGracefulRestart", "remove it")
	refuse(s.VRFName != "", "vrf", "remove it")
	refuse(s.DualStackAddressFamily, "dualStackAddressFamily", "remove it and add a BGPPeer for the other address family")
}

func (r *peerReader) asns(s *v1beta2.BGPPeerSpec) {
	if s.MyASN == 0 {
		r.required("myASN", "missing local ASN; set it to a number from 1 to 4294967295")
	}
	switch {
	case s.ASN == 0 && s.DynamicASN == "":
		r.required("peerASN", "missing peer ASN and dynamicASN; set peerASN to a number from 1 to 4294967295")
	case s.ASN != 0 && s.DynamicASN != "":
		r.invalid("dynamicASN", s.DynamicASN, "both peer ASN and dynamicASN specified; remove one")
	case s.ASN == s.MyASN && s.EBGPMultiHop:
		r.invalid("ebgpMultiHop", true, "invalid ebgp-multihop parameter set for an ibgp peer; remove it, since peers of one ASN may be any number of hops away")
	}
}

func (r *peerReader) port(port int32) uint16 {
	if port == 0 {
		return DefaultPort
	}
	if port < 0 || port > math.MaxUint16 {
		r.invalid("peerPort", port, "must be from 1 to 65535")
		return 0
	}
	return uint16(port)
}

func (r *peerReader) peerAddress(s *v1beta2.BGPPeerSpec) netip.Addr {
	if s.Address == "" {
		if s.Interface == "" {
			r.required("peerAddress", "peer has no Address or Interface specified; set it to the peer's IPv4 or IPv6 address")
		}
		return netip.Addr{}
	}
	if s.Interface != "" {
		r.invalid("interface", s.Interface, "peer has both Address and Interface specified; remove one")
	}
	a, err := unicast(s.Address)
	if err != nil {
		r.invalid("peerAddress", s.Address, "invalid BGPPeer address: %v", err)
	}
	return a
}

func (r *peerReader) source(s string, peer netip.Addr) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	a, err := unicast(s)
	if err != nil {
		r.invalid("sourceAddress", s, "invalid source IP: %v", err)
	} else if peer.IsValid() && a.Is4() != peer.Is4() {
		r.invalid("sourceAddress", s, "invalid source IP: must be of the same address family as peerAddress %q", peer)
	}
	return a
}

// unicast parses an address that a TCP connection may have at either end. Loopback addresses are among them, for a
// router on the node itself.
func unicast(s string) (netip.Addr, error) {
	a, err := fields.Addr(s)
	switch {
	case err != nil:
		return netip.Addr{}, err
	case a.IsUnspecified():
		return netip.Addr{}, fmt.Errorf("%q is the unspecified address", s)
	case a.IsMulticast():
		return netip.Addr{}, fmt.Errorf("%q is a multicast address", s)
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return netip.Addr{}, fmt.Errorf("%q is the broadcast address", s)
	case a.Is6() && a.IsLinkLocalUnicast():
		return netip.Addr{}, fmt.Errorf("%q is a link-local address, which means nothing without an interface; use a global or unique local address", s)
	}
	return a, nil
}

// routerID parses the BGP identifier, any number but 0 (RFC 6286 section 2.1).
func (r *peerReader) routerID(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	a, err := fields.Addr(s)
	if err != nil || !a.Is4() || a.IsUnspecified() {
		r.invalid("routerID", s, "invalid router ID %q: must be written as an IPv4 address other than 0.0.0.0", s)
		return netip.Addr{}
	}
	return a
}

// timers returns hold and keepalive time (RFC 4271 sections 4.2 and 4.4).
func (r *peerReader) timers(hold, keepalive *metav1.Duration) (holdTime, keepaliveTime time.Duration) {
	holdTime = DefaultHoldTime
	if hold != nil {
		holdTime = hold.Duration
	}
	if holdTime != 0 && (holdTime < 3*time.Second || holdTime > maxTime || holdTime%time.Second != 0) {
		r.invalid("holdTime", holdTime.String(), "invalid hold time %q: must be 0 or >=3s, in whole seconds up to 65535s", holdTime)
		return 0, 0
	}
	if keepalive == nil || keepalive.Duration == 0 {
		return holdTime, (holdTime / 3).Truncate(time.Second)
	}
	keepaliveTime = keepalive.Duration
	if keepaliveTime < 0 || keepaliveTime%time.Second != 0 {
		r.invalid("keepaliveTime", keepaliveTime.String(), "invalid keepaliveTime %q: must be in whole seconds, 0 or more", keepaliveTime)
	} else if keepaliveTime >= holdTime {
		r.invalid("keepaliveTime", keepaliveTime.String(), "invalid keepaliveTime %q, must be lower than holdTime %q", keepaliveTime, holdTime)
	}
	return holdTime, keepaliveTime
}

func (r *peerReader) connectTime(d *metav1.Duration) time.Duration {
	if d == nil {
		return DefaultConnectTime
	}
	if d.Duration < time.Second || d.Duration > maxTime || d.Duration%time.Second != 0 {
		r.invalid("connectTime", d.Duration.String(), "invalid connect time %q: must be from 1s to 65535s, in whole seconds", d.Duration)
	}
	return d.Duration
}

func (r *peerReader) password(s *v1beta2.BGPPeerSpec) string {
	switch {
	case s.Password != "" && s.PasswordSecret.Name != "":
		r.errs = append(r.errs, field.Forbidden(r.spec.Child("password"), "can not have both password and secret ref set; remove password"))
	case len(s.Password) > MaxPasswordLength:
		// The password itself stays out of logs and events.
		r.errs = append(r.errs, field.TooLong(r.spec.Child("password"), "", MaxPasswordLength))
	}
	return s.Password
}

// passwordSecret returns the Secret, which is in the namespace of the BGPPeer whatever the reference says, as it is with
// MetalLB: speakers are allowed to read no other.
func passwordSecret(p *v1beta2.BGPPeer) types.NamespacedName {
	if p.Spec.PasswordSecret.Name == "" {
		return types.NamespacedName{}
	}
	return types.NamespacedName{Namespace: p.Namespace, Name: p.Spec.PasswordSecret.Name}
}
