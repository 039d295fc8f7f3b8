// SPDX-License-Identifier: Apache-2.0

package gobgp

import "github.com/osrg/gobgp/v4/api"

// counts are what has happened since the session was configured, over all its connections.
type counts struct {
	// established and lost are how often the session came up and went down.
	established, lost uint64
	sent, received    tally
}

// tally counts the messages of one direction by type (RFC 4271 section 4.1, RFC 2918).
type tally struct {
	opens, updates, notifications, keepalives, refreshes uint64
}

func (t tally) total() uint64 {
	return t.opens + t.updates + t.notifications + t.keepalives + t.refreshes
}

func (t tally) plus(other tally) tally {
	return tally{
		opens: t.opens + other.opens, updates: t.updates + other.updates, notifications: t.notifications + other.notifications,
		keepalives: t.keepalives + other.keepalives, refreshes: t.refreshes + other.refreshes,
	}
}

func (c counts) plus(other counts) counts {
	return counts{
		established: c.established + other.established, lost: c.lost + other.lost,
		sent: c.sent.plus(other.sent), received: c.received.plus(other.received),
	}
}

// changed counts a session that came up or went down.
func (c *counts) changed(was, is bool) {
	switch {
	case is && !was:
		c.established++
	case was && !is:
		c.lost++
	}
}

// tallyOf is what GoBGP has counted since the peer was added to it.
func tallyOf(m *api.Message) tally {
	return tally{
		opens: m.GetOpen(), updates: m.GetUpdate(), notifications: m.GetNotification(), keepalives: m.GetKeepalive(),
		refreshes: m.GetRefresh(),
	}
}

// count takes over what GoBGP has counted. It is done by the session's goroutine.
func (p *peering) count() {
	if !p.added {
		return
	}
	peer, err := p.server.peer(p.config)
	if err != nil {
		p.log.V(1).Info("messages cannot be counted", "error", err.Error())
		return
	}
	messages := peer.GetState().GetMessages()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.present.sent, p.present.received = tallyOf(messages.GetSent()), tallyOf(messages.GetReceived())
}

// countLast is done before GoBGP forgets the peer, and with it what it has counted.
func (p *peering) countLast() {
	p.count()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.past, p.present = p.past.plus(p.present), counts{}
}

// counted returns the counts as of the last time that somebody asked. It may be called from any goroutine. What GoBGP sends
// when it is told to forget a peer is not among what it counts, so UPDATE and NOTIFICATION are counted as it reports them.
func (p *peering) counted() counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.past.plus(p.present)
	c.sent.updates, c.sent.notifications = p.updates.Load(), p.notifications.Load()
	return c
}
