// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"strings"
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

// ParsePeer returns what the object means, or every error in it, each with field, value and remedy. What differs between nodes is not filled in: see ParsePeerFor.
func ParsePeer(p *v1beta2.BGPPeer) (Peer, field.ErrorList) {
	r := peerReader{spec: field.NewPath("spec")}
	s := &p.Spec
	peer := Peer{
		Name:           p.Name,
		LocalASN:       cmp.Or(s.LocalASN, s.MyASN),
		Port:           r.port(s.Port),
		Interface:      s.Interface,
		Gateway:        s.DefaultGateway,
		ConnectTime:    r.connectTime(s.ConnectTime),
		RouterID:       r.routerID(s.RouterID),
		Password:       r.password(s),
		PasswordSecret: passwordSecret(p),
		MultiHopTTL:    r.multiHop(s),
		SecurityHops:   r.securityHops(s),
		VRF:            r.device("vrf", s.VRFName),
		PerNode:        r.perNode(s),
		BFDProfileName: s.BFDProfile,
	}
	peer.PeerASN = r.peerASN(s, peer.LocalASN)
	peer.Address, peer.Families = r.endpoint(s)
	peer.Source = r.source(s, peer)
	peer.HoldTime, peer.KeepaliveTime = r.timers(s.HoldTime, s.KeepaliveTime)
	peer.RestartTime, peer.RestartOnNotification = r.gracefulRestart(s)
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

// peerASN returns the ASN that the peer must have, 0 for any other than the local one.
func (r *peerReader) peerASN(s *v1beta2.BGPPeerSpec, local uint32) uint32 {
	if s.MyASN == 0 {
		r.required("myASN", "missing local ASN; set it to a number from 1 to 4294967295")
	}
	// With an ASN per node, only the node knows.
	differs := hasPerNode(s, func(n *v1beta2.PerNode) string { return n.MyASN + n.ASN })
	internal := s.ASN == local && !differs || s.DynamicASN == v1beta2.InternalASN
	switch {
	case s.ASN == 0 && s.DynamicASN == "" && !hasPerNode(s, func(n *v1beta2.PerNode) string { return n.ASN }):
		r.required("peerASN", "missing peer ASN and dynamicASN; set peerASN to a number from 1 to 4294967295, or dynamicASN to internal or external")
	case s.ASN != 0 && s.DynamicASN != "":
		r.invalid("dynamicASN", s.DynamicASN, "both peer ASN and dynamicASN specified; remove one")
	case s.DynamicASN != "" && s.DynamicASN != v1beta2.InternalASN && s.DynamicASN != v1beta2.ExternalASN:
		r.invalid("dynamicASN", s.DynamicASN, "invalid dynamicASN; set it to internal or external")
	case internal && s.EBGPMultiHop:
		r.invalid("ebgpMultiHop", true, "invalid ebgp-multihop parameter set for an ibgp peer; remove it, since peers of one ASN may be any number of hops away")
	}
	if s.DynamicASN == v1beta2.InternalASN {
		return local
	}
	return s.ASN
}

func (r *peerReader) multiHop(s *v1beta2.BGPPeerSpec) uint8 {
	const least, most = 2, 255
	switch ttl := s.EBGPMultiHopTTL; {
	case ttl == nil && s.EBGPMultiHop:
		return most
	case ttl == nil:
		return 0
	case !s.EBGPMultiHop:
		r.invalid("ebgpMultiHopTTL", *ttl, "is the time to live with ebgpMultiHop; set that to true or remove this")
	case *ttl < least || *ttl > most:
		r.invalid("ebgpMultiHopTTL", *ttl, "must be from %d to %d", least, most)
	default:
		return uint8(*ttl)
	}
	return 0
}

func (r *peerReader) securityHops(s *v1beta2.BGPPeerSpec) uint8 {
	const least, most = 1, 254
	switch hops := s.TTLSecurityHops; {
	case hops == nil:
	case *hops < least || *hops > most:
		r.invalid("ttlSecurityHops", *hops, "must be from %d to %d", least, most)
	case s.EBGPMultiHop:
		r.invalid("ttlSecurityHops", *hops, "both say how many hops away the peer may be; remove ebgpMultiHop")
	default:
		return uint8(*hops)
	}
	return 0
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

// endpoint returns the peer's address, if the object has it, and the families of the session.
func (r *peerReader) endpoint(s *v1beta2.BGPPeerSpec) (netip.Addr, Families) {
	both := Families{IPv4: true, IPv6: true}
	switch {
	case s.Address == "" && s.Interface == "" && s.DefaultGateway == "":
		r.required("peerAddress", "peer has no Address or Interface specified; set it to the peer's IPv4 or IPv6 address, or set interface or defaultGateway")
		return netip.Addr{}, Families{}
	case s.Address != "" && s.Interface != "":
		r.invalid("interface", s.Interface, "peer has both Address and Interface specified; remove one")
		return netip.Addr{}, Families{}
	case s.DefaultGateway != "" && (s.Address != "" || s.Interface != ""):
		r.invalid("defaultGateway", s.DefaultGateway, "the peer is the default gateway, so it has no peerAddress or interface; remove them or defaultGateway")
		return netip.Addr{}, Families{}
	case s.Interface != "":
		r.device("interface", s.Interface)
		return netip.Addr{}, both
	case s.DefaultGateway != "":
		families := Families{IPv4: s.DefaultGateway == v1beta2.IPv4Gateway, IPv6: s.DefaultGateway == v1beta2.IPv6Gateway}
		if !families.Any() {
			r.invalid("defaultGateway", s.DefaultGateway, "must be IPv4 or IPv6")
		}
		if s.DualStackAddressFamily {
			families = both
		}
		return netip.Addr{}, families
	}
	a, err := unicast(s.Address)
	switch {
	case err != nil:
		r.invalid("peerAddress", s.Address, "invalid BGPPeer address: %v", err)
	case s.DualStackAddressFamily:
		return a, both
	}
	return a, FamilyOf(a)
}

// device returns the name of a network device as the kernel takes it.
func (r *peerReader) device(name, device string) string {
	const most = 15 // IFNAMSIZ without its last octet
	if len(device) > most || strings.ContainsAny(device, " \t\n\v\f\r/:%") || device == "." || device == ".." {
		r.invalid(name, device, "must be the name of a network device, of up to %d characters without space, /, : and %%", most)
	}
	return device
}

func (r *peerReader) source(s *v1beta2.BGPPeerSpec, peer Peer) netip.Addr {
	if s.SrcAddress == "" {
		return netip.Addr{}
	}
	a, err := unicast(s.SrcAddress)
	switch {
	case err != nil:
		r.invalid("sourceAddress", s.SrcAddress, "invalid source IP: %v", err)
	case s.Interface != "":
		r.invalid("sourceAddress", s.SrcAddress, "a session on an interface is between link-local addresses; remove sourceAddress")
	case peer.Address.IsValid() && a.Is4() != peer.Address.Is4():
		r.invalid("sourceAddress", s.SrcAddress, "invalid source IP: must be of the same address family as peerAddress %q", peer.Address)
	case peer.Gateway != "" && a.Is4() != (peer.Gateway == v1beta2.IPv4Gateway):
		r.invalid("sourceAddress", s.SrcAddress, "invalid source IP: must be of the same address family as the default gateway, %s", peer.Gateway)
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
		return netip.Addr{}, fmt.Errorf("%q is a link-local address, which means nothing without an interface; set interface instead, or use a global or unique local address", s)
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

// gracefulRestart returns the restart time, 0 without graceful restart, and whether routes are kept on a NOTIFICATION too.
func (r *peerReader) gracefulRestart(s *v1beta2.BGPPeerSpec) (restartTime time.Duration, onNotification bool) {
	const most = 4095 * time.Second // 12 bits (RFC 4724 section 3)
	restartTime = DefaultRestartTime
	if d := s.GracefulRestartTime; d != nil {
		restartTime = d.Duration
		if restartTime < time.Second || restartTime > most || restartTime%time.Second != 0 {
			r.invalid("gracefulRestartTime", restartTime.String(), "invalid graceful restart time %q: must be from 1s to 4095s, in whole seconds", restartTime)
		}
		if !s.EnableGracefulRestart {
			r.invalid("gracefulRestartTime", restartTime.String(), "is the time with enableGracefulRestart; set that to true or remove this")
		}
	}
	if s.GracefulRestartOnNotification && !s.EnableGracefulRestart {
		r.invalid("gracefulRestartOnNotification", true, "extends enableGracefulRestart; set that to true or remove this")
	}
	if !s.EnableGracefulRestart {
		return 0, false
	}
	return restartTime, s.GracefulRestartOnNotification
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
