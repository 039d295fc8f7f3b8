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
	up := len(r.Established())
	switch {
	case up == 0 && len(r.Routes) > 0:
		return NotConnected, fmt.Sprintf("No node has a session. %s kept for nodes that may come back (graceful restart).",
			count(len(r.Routes), "prefix is", "prefixes are"))
	case up == 0 && len(r.Neighbors) > 0:
		return NotConnected, "No node has a session now. " + count(len(r.Neighbors), "was", "were") + " seen before."
	case up == 0:
		return NotConnected, "No node has a session. Waiting for the first one."
	case len(r.Routes) == 0:
		return ToldNothing, count(up, "neighbour has a session and announces", "neighbours have sessions and announce") + " nothing yet."
	}
	return Connected, fmt.Sprintf("%s %s.", count(up, "neighbour announces", "neighbours announce"), count(len(r.Routes), "prefix", "prefixes"))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
