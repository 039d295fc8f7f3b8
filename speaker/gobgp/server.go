// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	packet "github.com/osrg/gobgp/v4/pkg/packet/bgp"
	gobgpserver "github.com/osrg/gobgp/v4/pkg/server"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
)

const (
	// The address families of a server, by GoBGP's own numbers. Tables for all of them would take ten times the memory.
	ipv4Unicast = 0
	ipv6Unicast = 1
	// batchSize bounds how long one batch keeps GoBGP's event loop from other work, to a few milliseconds.
	batchSize = 500
	// maxHoldTime is what is proposed in place of 0, in seconds.
	maxHoldTime = 65535
)

// server is a GoBGP server with room for one peer. It is used by one goroutine.
type server struct {
	bgp *gobgpserver.BgpServer
	// connections is where the server takes connections from.
	connections chan<- net.Conn
	// stopWatching ends the goroutine that passes on peer events.
	stopWatching context.CancelFunc
}

// startServer starts a server that has the local ASN and router ID of the peer's session, does not know the peer yet, and listens on no
// port. It calls onActive when a peer that was added takes a connection; that must not block.
func startServer(p bgp.Peer, log *slog.Logger, onActive func()) (*server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{bgp: gobgpserver.NewBgpServer(gobgpserver.LoggerOption(log, &slog.LevelVar{})), stopWatching: cancel}
	var err error
	if s.connections, err = accepting(s.bgp); err != nil {
		cancel()
		return nil, err
	}
	go s.bgp.Serve()

	start := &api.StartBgpRequest{Global: &api.Global{
		Asn:        p.LocalASN,
		RouterId:   p.RouterID.String(),
		ListenPort: -1,
		Families:   []uint32{ipv4Unicast, ipv6Unicast},
	}}
	callbacks := gobgpserver.WatchEventMessageCallbacks{OnPeerUpdate: func(e *apiutil.WatchEventMessage_PeerEvent, _ time.Time) {
		if e.Type == apiutil.PEER_EVENT_STATE && e.Peer.State.SessionState == packet.BGP_FSM_ACTIVE {
			onActive()
		}
	}}
	err = s.bgp.StartBgp(ctx, start)
	if err == nil {
		err = s.bgp.WatchEvent(ctx, callbacks, gobgpserver.WatchPeer())
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("starting a GoBGP server: %w", err)
	}
	return s, nil
}

// accepting makes the channel by which a server that does not serve yet takes connections, as it does from its listeners.
// GoBGP has no other way to be given a connection: see decision 8.
func accepting(s *gobgpserver.BgpServer) (chan<- net.Conn, error) {
	const name = "acceptCh"
	field := reflect.ValueOf(s).Elem().FieldByName(name)
	if !field.IsValid() || field.Type() != reflect.TypeFor[chan net.Conn]() {
		return nil, fmt.Errorf("this version of GoBGP has no %s to take connections from", name)
	}
	// Not buffered: what is sent has been passed to the peer before the server does anything else.
	connections := make(chan net.Conn)
	*(*chan net.Conn)(field.Addr().UnsafePointer()) = connections
	return connections, nil
}

// stop waits until nothing runs any more.
func (s *server) stop() {
	s.bgp.Stop()
	s.stopWatching()
}

// addPeer has the server make ready for a connection to the peer.
func (s *server) addPeer(c bgp.Peer) error {
	if err := s.bgp.AddPeer(context.Background(), &api.AddPeerRequest{Peer: neighbor(c)}); err != nil {
		return fmt.Errorf("adding the peer to GoBGP: %w", err)
	}
	return nil
}

// connect gives the server a connection to the peer.
func (s *server) connect(conn net.Conn) {
	s.connections <- conn
}

// removePeer has the server close the connection to the peer, which may be after removePeer has returned.
func (s *server) removePeer(c bgp.Peer) error {
	if err := s.bgp.DeletePeer(context.Background(), &api.DeletePeerRequest{Address: c.Address.String()}); err != nil {
		return fmt.Errorf("removing the peer from GoBGP: %w", err)
	}
	return nil
}

// announce puts paths into the RIB, for this session. Those that are there already with the same attributes cause no message.
func (s *server) announce(paths []rib.Path, c bgp.Peer, hops nextHops) error {
	for batch := range slices.Chunk(paths, batchSize) {
		native := make([]*apiutil.Path, 0, len(batch))
		for _, p := range batch {
			path, err := announcement(p, c, hops.of(p.Prefix))
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
			path, err := withdrawal(p)
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

// neighbor is the configuration as GoBGP takes it. No field that GoBGP would guess is left out. GoBGP sets the TTL of the
// connection once more, to an external peer whose ASN it knows.
func neighbor(c bgp.Peer) *api.Peer {
	unspecified := netip.IPv4Unspecified()
	if !c.Address.Is4() {
		unspecified = netip.IPv6Unspecified()
	}
	peer := &api.Peer{
		Conf: &api.PeerConf{
			NeighborAddress: c.Address.String(),
			PeerAsn:         c.PeerASN,
			LocalAsn:        c.LocalASN,
		},
		Transport: &api.Transport{PassiveMode: true, LocalAddress: unspecified.String()},
		Timers: &api.Timers{Config: &api.TimersConfig{
			HoldTime:          seconds(c.HoldTime),
			KeepaliveInterval: seconds(c.KeepaliveTime),
		}},
		AfiSafis:        afiSafis(c.Families, c.RestartTime > 0),
		GracefulRestart: gracefulRestart(c),
	}
	if c.HoldTime == 0 {
		peer.Timers.Config.HoldTime = maxHoldTime
		peer.Timers.Config.KeepaliveInterval = maxHoldTime / 3
	}
	switch {
	case c.MinTTL() > 0:
		peer.TtlSecurity = &api.TtlSecurity{Enabled: true, TtlMin: uint32(c.MinTTL())} //nolint:gosec // It is below 256.
	case !c.IBGP() && c.TTL() > 1:
		peer.EbgpMultihop = &api.EbgpMultihop{Enabled: true, MultihopTtl: uint32(c.TTL())} //nolint:gosec // It is below 256.
	}
	return peer
}

// gracefulRestart has GoBGP advertise the capability, and do no more: it has not restarted, so that it waits for nothing before it sends the
// routes. Package transport sets the flags that say otherwise. Without graceful restart the capability has no families, and just says that
// End-of-RIB is sent (RFC 4724 section 3).
func gracefulRestart(c bgp.Peer) *api.GracefulRestart {
	return &api.GracefulRestart{
		Enabled: true, HelperOnly: c.RestartTime == 0, RestartTime: uint32(seconds(cmp.Or(c.RestartTime, bgp.DefaultRestartTime))), //nolint:gosec // It has 12 bits.
		NotificationEnabled: c.RestartOnNotification,
	}
}

// afiSafis are the families, with their forwarding state in the capability of graceful restart if that restarts.
func afiSafis(f bgp.Families, restarts bool) []*api.AfiSafi {
	var all []*api.AfiSafi
	add := func(afi api.Family_Afi) {
		all = append(all, &api.AfiSafi{
			Config:            &api.AfiSafiConfig{Family: &api.Family{Afi: afi, Safi: api.Family_SAFI_UNICAST}, Enabled: true},
			MpGracefulRestart: &api.MpGracefulRestart{Config: &api.MpGracefulRestartConfig{Enabled: restarts}},
		})
	}
	if f.IPv4 {
		add(api.Family_AFI_IP)
	}
	if f.IPv6 {
		add(api.Family_AFI_IP6)
	}
	return all
}

// seconds rounds up, as GoBGP knows whole seconds only.
func seconds(d time.Duration) uint64 {
	return uint64(max(0, (d+time.Second-1)/time.Second))
}
