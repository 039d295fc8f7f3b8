// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"cmp"
	"strings"
	"time"

	"github.com/google/btree"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// degree is that of the trees: a node of theirs has up to twice as many entries.
const degree = 16

// tally adds up the sessions of one peer.
type tally struct {
	// defined is whether there is a BGPPeer, and generation which one.
	defined    bool
	generation int64
	parsed     bgp.Peer
	// invalid is whether the BGPPeer does not say which nodes are meant, selective whether it selects nodes.
	invalid, selective bool
	// reports are what speakers say, by node.
	reports map[string]reported
	// desired are the sessions that there should be, by node.
	desired map[string]fault
	// faults are those of them that are not established, by node and by time.
	faults, oldest *btree.BTreeG[fault]
	// emptySince is since when no node is to have a session, though the peer is valid; zero if there is one.
	emptySince time.Time
}

// reported is what an object says of the session of a node.
type reported struct{ object, fault string }

// fault is what keeps a node from its session; without a reason if nothing does.
type fault struct {
	node, why string
	since     time.Time
}

func (f fault) String() string { return f.node + ": " + f.why }

func newTally() *tally {
	return &tally{
		reports: map[string]reported{}, desired: map[string]fault{},
		faults: btree.NewG(degree, func(a, b fault) bool { return a.node < b.node }),
		oldest: btree.NewG(degree, func(a, b fault) bool {
			return cmp.Or(a.since.Compare(b.since), strings.Compare(a.node, b.node)) < 0
		}),
	}
}

// define takes the peer as it is now. The sessions of all nodes are to be refreshed then.
func (t *tally) define(p *v1beta2.BGPPeer) {
	parsed, errs := bgp.ParsePeer(p)
	t.defined, t.generation, t.parsed = true, p.Generation, parsed
	t.invalid, t.selective = len(errs) > 0, len(p.Spec.NodeSelectors) > 0
}

// refresh looks at the session of one node, nil if that is not there. It reports whether something has changed.
func (t *tally) refresh(name string, n *node, now time.Time) (changed bool) {
	before, was := t.desired[name]
	if !t.means(name, n) {
		if was {
			t.remove(before)
			t.note(now)
		}
		return was
	}
	f := fault{node: name, why: t.fault(name, n), since: now}
	if was && before.why == f.why {
		return false
	}
	if was {
		if before.why != "" {
			f.since = before.since
		}
		t.remove(before)
	}
	t.desired[name] = f
	if f.why != "" {
		t.faults.ReplaceOrInsert(f)
		t.oldest.ReplaceOrInsert(f)
	}
	t.note(now)
	return true
}

// means reports whether the node should have a session. What was valid before a peer became invalid stays in use, whatever that
// was: then the nodes are meant that report a session.
func (t *tally) means(name string, n *node) bool {
	if !t.defined || n == nil {
		return false
	}
	if t.invalid {
		_, reports := t.reports[name]
		return reports
	}
	return t.parsed.SelectsNode(n.labels)
}

// fault returns what keeps the node from its session; empty if nothing does.
func (t *tally) fault(name string, n *node) string {
	r, reports := t.reports[name]
	switch {
	case !n.ready:
		return notReady
	case !reports:
		return v1beta1.NoSessionReport
	default:
		return r.fault
	}
}

func (t *tally) remove(f fault) {
	delete(t.desired, f.node)
	if f.why != "" {
		t.faults.Delete(f)
		t.oldest.Delete(f)
	}
}

// note takes note of whether any node is to have a session.
func (t *tally) note(now time.Time) {
	switch {
	case !t.defined || t.invalid || len(t.desired) > 0:
		t.emptySince = time.Time{}
	case t.emptySince.IsZero():
		t.emptySince = now
	}
}

// summary returns what the sessions are together.
func (t *tally) summary() summary {
	s := summary{
		generation: t.generation, desired: len(t.desired), established: len(t.desired) - t.faults.Len(),
		invalid: t.invalid, selective: t.selective, since: t.emptySince,
	}
	t.faults.Ascend(func(f fault) bool {
		s.faults = append(s.faults, f)
		return len(s.faults) < named
	})
	if first, any := t.oldest.Min(); any {
		s.since = first.since
	}
	return s
}
