// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"net/netip"
	"time"
)

// doubtful keeps the latest changes of an Adj-RIB-Out whose session is not known to be established.
//
// GoBGP dumps the RIB to a peer that becomes established, then reports the state, then begins to send changes. What is
// changed between the dump and the beginning is lost. The dump is older than the report, so the changes that are younger
// than the report are in doubt when the beginning is noticed; they are then made once more.
type doubtful struct {
	lastAnnounced time.Time
	withdrawn     []withdrawal
}

type withdrawal struct {
	at       time.Time
	prefixes []netip.Prefix
}

// doubtTime is far more than passes between GoBGP's report and its being taken in.
const doubtTime = time.Minute

func (d *doubtful) announced(at time.Time) {
	d.lastAnnounced = at
}

func (d *doubtful) withdrew(at time.Time, prefixes []netip.Prefix) {
	old := 0
	for old < len(d.withdrawn) && at.Sub(d.withdrawn[old].at) > doubtTime {
		old++
	}
	d.withdrawn = append(d.withdrawn[old:], withdrawal{at: at, prefixes: prefixes})
}

// since returns what was changed after the report: whether something was announced, and what was withdrawn and is not
// in the RIB again. All that is older is forgotten, and so is what is returned.
func (d *doubtful) since(reported time.Time, present map[netip.Prefix]struct{}) (announced bool, withdrawn []netip.Prefix) {
	announced = d.lastAnnounced.After(reported)
	for _, w := range d.withdrawn {
		if !w.at.After(reported) {
			continue
		}
		for _, prefix := range w.prefixes {
			if _, ok := present[prefix]; !ok {
				withdrawn = append(withdrawn, prefix)
			}
		}
	}
	*d = doubtful{}
	return announced, withdrawn
}
