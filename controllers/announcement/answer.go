// SPDX-License-Identifier: Apache-2.0

package announcement

import "metallb.io/metallb/internal/endpoint"

// cause of an answer.
type cause int

const (
	// unknown is that of the zero answer.
	unknown cause = iota
	// announced is the only one that is no fault.
	announced
	noPool
	noAdvertisement
	notSelected
	noNodes
	noNodeSelected
	allLabeled
	allUnavailable
	noEndpoint
	noLocalEndpoint
	noPeer
	noSession
)

// answer says of one address from where to where it is announced, or why it is not. It is comparable, and has what its text
// says and no more; the text is made last, see text.go.
type answer struct {
	cause  cause
	family endpoint.Family
	pool   string
	// advertisements select the address.
	advertisements names
	// nodes that announce, of those that should.
	nodes, of int
	// peers that the address is announced to; those that it should be announced to if there is no session.
	peers names
	// missing are sessions that should be there.
	missing shortages
	// fault is the first one that keeps a session from being established.
	fault fault
}

// worded is an answer with its text.
type worded struct {
	answer

	text string
}

// inWords makes the text of an answer.
func inWords(a answer) *worded { return &worded{answer: a, text: a.sentence()} }

// named is how many names of a kind a text has; the rest is counted.
const named = 5

// names are the first names of so many.
type names struct {
	first [named]string
	count int
}

func namesOf(all []string) (n names) {
	for _, name := range all {
		n.add(name)
	}
	return n
}

func (n *names) add(name string) {
	if n.count < named {
		n.first[n.count] = name
	}
	n.count++
}

// shortage is on how many nodes there is no session with a peer, of those where there should be one.
type shortage struct {
	peer        string
	missing, of int
}

// shortages are the first of so many.
type shortages struct {
	first [named]shortage
	count int
}

func (s *shortages) add(one shortage) {
	if s.count < named {
		s.first[s.count] = one
	}
	s.count++
}

// fault is why a node has no session with a peer.
type fault struct{ node, peer, why string }
