// SPDX-License-Identifier: Apache-2.0

package debug

import (
	"context"
	"time"

	"metallb.io/metallb/speaker/session"
)

type sessionsPage struct {
	Node     string         `json:"node"`
	Sessions []sessionState `json:"sessions"`
}

// sessionState is how a session fares.
type sessionState struct {
	Peer     string    `json:"peer"`
	Address  string    `json:"address"`
	LocalASN uint32    `json:"localASN"`
	PeerASN  uint32    `json:"peerASN"`
	State    string    `json:"state"`
	Since    time.Time `json:"since"`
	// LastError says why the session was last lost or could not be opened, be it up again or not.
	LastError     string     `json:"lastError,omitempty"`
	LastErrorTime *time.Time `json:"lastErrorTime,omitempty"`
	// What was agreed upon, while the session is established.
	HoldTime      string `json:"holdTime,omitempty"`
	KeepaliveTime string `json:"keepaliveTime,omitempty"`
	LocalAddress  string `json:"localAddress,omitempty"`
	RouterID      string `json:"routerID,omitempty"`
	PeerRouterID  string `json:"peerRouterID,omitempty"`
	// BFD is the state of the BFD session, if there is one, BFDDetectionTime after which silence it gives the peer up, and BFDProblem why it is not up, or
	// what of the profile it cannot do.
	BFD              string `json:"bfd,omitempty"`
	BFDDetectionTime string `json:"bfdDetectionTime,omitempty"`
	BFDProblem       string `json:"bfdProblem,omitempty"`
	// KeepsRoutes is whether the peer keeps the routes when the session is lost.
	KeepsRoutes bool `json:"keepsRoutes,omitempty"`
	// Advertised prefixes, and those that wait for the session to be established.
	Advertised int    `json:"advertised"`
	Pending    int    `json:"pending"`
	Updates    uint64 `json:"updates"`
	// Received are the prefixes that the peer has announced, which are not used.
	Received uint64 `json:"received"`
}

func tellSessions(_ context.Context, q *question) (any, error) {
	page := sessionsPage{Node: q.now.Node, Sessions: []sessionState{}}
	for i := range q.now.Sessions {
		if s := &q.now.Sessions[i]; q.peer == "" || q.peer == s.Peer {
			page.Sessions = append(page.Sessions, stateOf(s))
		}
	}
	if q.peer != "" && len(page.Sessions) == 0 {
		return nil, unmatched("session with BGPPeer", q.peer)
	}
	return page, nil
}

func stateOf(s *session.State) sessionState {
	state := sessionState{
		Peer: s.Peer, Address: s.Endpoint(), LocalASN: s.LocalASN, PeerASN: s.PeerASN, State: string(s.FSM), Since: s.Since,
		LastError: s.LastError, LocalAddress: textOf(s.LocalAddress), RouterID: textOf(s.RouterID), PeerRouterID: textOf(s.PeerRouterID),
		KeepsRoutes: s.KeepsRoutes, Advertised: s.Advertised(), Pending: s.Pending, Updates: s.Updates, Received: s.Received, BFD: s.BFD, BFDProblem: s.BFDProblem,
	}
	if s.BFDDetectionTime > 0 {
		state.BFDDetectionTime = s.BFDDetectionTime.String()
	}
	if !s.LastErrorTime.IsZero() {
		state.LastErrorTime = &s.LastErrorTime
	}
	if s.Up() {
		state.HoldTime, state.KeepaliveTime = s.HoldTime.String(), s.KeepaliveTime.String()
	}
	return state
}
