// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	gobgpserver "github.com/osrg/gobgp/v4/pkg/server"

	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

const (
	// The address families of a server, by GoBGP's own numbers. Tables for all of them would take ten times the memory.
	ipv4Unicast = 0
	ipv6Unicast = 1
	// batchSize bounds how long one batch keeps GoBGP's event loop from other work, to a few milliseconds.
	batchSize = 500
	// multihopTTL lets packets pass as many routers as there may be (RFC 4271 leaves it open; 255 is GoBGP's default too).
	multihopTTL = 255
	// minConnectRetry is GoBGP's floor, in seconds.
	minConnectRetry = 2
	// maxHoldTime is what is proposed in place of 0, in seconds.
	maxHoldTime = 65535
	// restartTime is advertised with the graceful-restart capability, in seconds. Of no consequence for a helper.
	restartTime = 120
)

// server is a GoBGP server with room for one peer. It is used by one goroutine.
type server struct {
	bgp *gobgpserver.BgpServer
	// stopWatching ends the goroutine that passes on peer events.
	stopWatching context.CancelFunc
}

// startServer starts a server that has no peer and listens on no port. The callback must not block.
func startServer(asn uint32, routerID netip.Addr, log slog.Handler, onEvent func(*apiutil.WatchEventMessage_PeerEvent, time.Time)) (*server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{
		bgp:          gobgpserver.NewBgpServer(gobgpserver.LoggerOption(slog.New(log), &slog.LevelVar{})),
		stopWatching: cancel,
	}
	go s.bgp.Serve()

	start := &api.StartBgpRequest{Global: &api.Global{
		Asn:        asn,
		RouterId:   routerID.String(),
		ListenPort: -1,
		Families:   []uint32{ipv4Unicast, ipv6Unicast},
	}}
	policy := onlyOwnPaths()
	callbacks := gobgpserver.WatchEventMessageCallbacks{OnPeerUpdate: onEvent}
	steps := []func() error{
		func() error { return s.bgp.StartBgp(ctx, start) },
		func() error { return s.bgp.AddPolicy(ctx, &api.AddPolicyRequest{Policy: policy}) },
		func() error { return s.bgp.SetPolicyAssignment(ctx, rejectUnless(policy)) },
		func() error { return s.bgp.WatchEvent(ctx, callbacks, gobgpserver.WatchPeer()) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			s.stop()
			return nil, fmt.Errorf("starting a GoBGP server: %w", err)
		}
	}
	return s, nil
}

// onlyOwnPaths accepts the paths that this speaker puts into the RIB. GoBGP applies the import policy to them too.
func onlyOwnPaths() *api.Policy {
	return &api.Policy{
		Name: "own-paths",
		Statements: []*api.Statement{{
			Name:       "own-paths",
			Conditions: &api.Conditions{RouteType: api.Conditions_ROUTE_TYPE_LOCAL},
			Actions:    &api.Actions{RouteAction: api.RouteAction_ROUTE_ACTION_ACCEPT},
		}},
	}
}

// rejectUnless keeps out of the RIB what the policy does not accept.
func rejectUnless(policy *api.Policy) *api.SetPolicyAssignmentRequest {
	return &api.SetPolicyAssignmentRequest{Assignment: &api.PolicyAssignment{
		Name:          "global",
		Direction:     api.PolicyDirection_POLICY_DIRECTION_IMPORT,
		Policies:      []*api.Policy{policy},
		DefaultAction: api.RouteAction_ROUTE_ACTION_REJECT,
	}}
}

// stop closes the session with Cease/Peer De-configured if it is still up and waits until nothing runs any more. It takes
// up to a second if the peer does not read.
func (s *server) stop() {
	s.bgp.Stop()
	s.stopWatching()
}

// addPeer starts to connect.
func (s *server) addPeer(c session.Config) error {
	if err := s.bgp.AddPeer(context.Background(), &api.AddPeerRequest{Peer: neighbor(c)}); err != nil {
		return fmt.Errorf("adding the peer to GoBGP: %w", err)
	}
	return nil
}

// removePeer closes the session with Cease/Peer De-configured if it is up. The NOTIFICATION may be written after removePeer
// has returned.
func (s *server) removePeer(c session.Config) error {
	if err := s.bgp.DeletePeer(context.Background(), &api.DeletePeerRequest{Address: c.Address.String()}); err != nil {
		return fmt.Errorf("removing the peer from GoBGP: %w", err)
	}
	return nil
}

// shutDownPeer has an established session closed with Cease/Administrative Shutdown. The session's event follows.
func (s *server) shutDownPeer(c session.Config) error {
	if err := s.bgp.DisablePeer(context.Background(), &api.DisablePeerRequest{Address: c.Address.String()}); err != nil {
		return fmt.Errorf("shutting down the peer in GoBGP: %w", err)
	}
	return nil
}

// peer returns what GoBGP knows of the peer.
func (s *server) peer(c session.Config) (*api.Peer, error) {
	var peer *api.Peer
	request := &api.ListPeerRequest{Address: c.Address.String()}
	if err := s.bgp.ListPeer(context.Background(), request, func(p *api.Peer) { peer = p }); err != nil {
		return nil, fmt.Errorf("asking GoBGP for the peer: %w", err)
	}
	if peer == nil {
		return nil, errors.New("GoBGP does not know the peer")
	}
	return peer, nil
}

// announce puts paths into the RIB, for this session. Those that are there already with the same attributes cause no message.
func (s *server) announce(paths []rib.Path, c session.Config) error {
	for batch := range slices.Chunk(paths, batchSize) {
		native := make([]*apiutil.Path, 0, len(batch))
		for _, p := range batch {
			path, err := announcement(p, c)
			if err != nil {
				return err
			}
			native = append(native, path)
		}
		if _, err := s.bgp.AddPath(apiutil.AddPathRequest{Paths: native}); err != nil {
			return fmt.Errorf("announcing %d prefixes from %s on: %w", len(batch), batch[0].Prefix, err)
		}
	}
	return nil
}

// withdraw removes prefixes from the RIB.
func (s *server) withdraw(prefixes []netip.Prefix) error {
	for batch := range slices.Chunk(prefixes, batchSize) {
		native := make([]*apiutil.Path, 0, len(batch))
		for _, p := range batch {
			path, err := unspecified(p)
			if err != nil {
				return err
			}
			native = append(native, path)
		}
		if err := s.bgp.DeletePath(apiutil.DeletePathRequest{Paths: native}); err != nil {
			return fmt.Errorf("withdrawing %d prefixes from %s on: %w", len(batch), batch[0], err)
		}
	}
	return nil
}

// announceAgain sends the whole RIB once more.
func (s *server) announceAgain(c session.Config) error {
	reset := &api.ResetPeerRequest{
		Address:   c.Address.String(),
		Soft:      true,
		Direction: api.ResetPeerRequest_DIRECTION_OUT,
	}
	if err := s.bgp.ResetPeer(context.Background(), reset); err != nil {
		return fmt.Errorf("announcing everything again: %w", err)
	}
	return nil
}

// neighbor is the configuration as GoBGP takes it. No field that GoBGP would guess is left out.
func neighbor(c session.Config) *api.Peer {
	afi := api.Family_AFI_IP
	if !c.Address.Unmap().Is4() {
		afi = api.Family_AFI_IP6
	}
	peer := &api.Peer{
		Conf: &api.PeerConf{
			NeighborAddress: c.Address.String(),
			PeerAsn:         c.PeerASN,
			LocalAsn:        c.LocalASN,
			AuthPassword:    c.Password,
		},
		Transport: &api.Transport{RemotePort: uint32(c.Port)},
		Timers: &api.Timers{Config: &api.TimersConfig{
			ConnectRetry:      max(seconds(c.ConnectTime), minConnectRetry),
			HoldTime:          seconds(c.HoldTime),
			KeepaliveInterval: seconds(c.KeepaliveTime),
		}},
		AfiSafis: []*api.AfiSafi{{Config: &api.AfiSafiConfig{
			Family:  &api.Family{Afi: afi, Safi: api.Family_SAFI_UNICAST},
			Enabled: true,
		}}},
		// Without forwarding state to preserve, the capability just says that End-of-RIB is sent (RFC 4724 section 3).
		GracefulRestart: &api.GracefulRestart{Enabled: true, HelperOnly: true, RestartTime: restartTime},
	}
	if c.Source.IsValid() {
		peer.Transport.LocalAddress = c.Source.String()
	}
	if c.HoldTime == 0 {
		peer.Timers.Config.HoldTime = maxHoldTime
		peer.Timers.Config.KeepaliveInterval = maxHoldTime / 3
	}
	if c.MultiHop && !c.IBGP() {
		peer.EbgpMultihop = &api.EbgpMultihop{Enabled: true, MultihopTtl: multihopTTL}
	}
	return peer
}

// seconds rounds up, as GoBGP knows whole seconds only.
func seconds(d time.Duration) uint64 {
	return uint64(max(0, (d+time.Second-1)/time.Second))
}

// fsm translates GoBGP's state.
func fsm(s bgp.FSMState) session.FSM {
	switch s {
	case bgp.BGP_FSM_CONNECT:
		return session.Connect
	case bgp.BGP_FSM_ACTIVE:
		return session.Active
	case bgp.BGP_FSM_OPENSENT:
		return session.OpenSent
	case bgp.BGP_FSM_OPENCONFIRM:
		return session.OpenConfirm
	case bgp.BGP_FSM_ESTABLISHED:
		return session.Established
	case bgp.BGP_FSM_IDLE:
		return session.Idle
	default:
		return session.Idle
	}
}
