// SPDX-License-Identifier: Apache-2.0

package router

import "fmt"

// Verdict is the state of a router in words that the page, the JSON and the tests share.
type Verdict string

// The verdicts, from worst to best.
const (
	// NotRunning: the daemon does not answer.
	NotRunning Verdict = "not running"
	// NotConnected: no session is established.
	NotConnected Verdict = "not connected"
	// ToldNothing: sessions are established, and no prefix was announced.
	ToldNothing Verdict = "connected, but told nothing"
	// Connected: sessions are established and prefixes are announced.
	Connected Verdict = "connected"
)

// Judge derives the verdict of a report and the sentence that explains it.
func Judge(r Report) (Verdict, string) {
	if r.Error != "" {
		return NotRunning, "The router does not answer: " + r.Error + "."
	}
	up := r.Established()
	announcing := 0
	for _, n := range up {
		if n.Paths > 0 {
			announcing++
		}
	}
	switch {
	case len(up) == 0 && len(r.Routes) > 0:
		return NotConnected, fmt.Sprintf("No node has a session. %s kept for nodes that may come back (graceful restart).",
			count(len(r.Routes), "prefix is", "prefixes are"))
	case len(up) == 0 && len(r.Neighbors) > 0:
		return NotConnected, "No node has a session now. " + count(len(r.Neighbors), "was", "were") + " seen before."
	case len(up) == 0:
		return NotConnected, "No node has a session. Waiting for the first one."
	case announcing == 0 && len(r.Routes) > 0:
		return ToldNothing, fmt.Sprintf("%s nothing yet. %s kept for nodes that may come back (graceful restart).",
			count(len(up), "neighbour has a session and announces", "neighbours have sessions and announce"), count(len(r.Routes), "prefix is", "prefixes are"))
	case announcing == 0:
		return ToldNothing, count(len(up), "neighbour has a session and announces", "neighbours have sessions and announce") + " nothing yet."
	case announcing < len(up):
		return Connected, fmt.Sprintf("%d of %d neighbours announce %s.", announcing, len(up), count(len(r.Routes), "prefix", "prefixes"))
	}
	return Connected, fmt.Sprintf("%s %s.", count(announcing, "neighbour announces", "neighbours announce"), count(len(r.Routes), "prefix", "prefixes"))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
