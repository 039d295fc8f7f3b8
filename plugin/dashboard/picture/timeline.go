// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Timeline is the last hour of a session.
type Timeline struct {
	Session
	// Spans cover the hour without a gap, the earliest first.
	Spans []Span `json:"spans"`
	// Marks are what has happened at one time, to this session or to others with the same peer.
	Marks []Mark `json:"marks"`
}

// Span is a time in which a session fared alike.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Level is empty if nothing is known of that time.
	Level Level  `json:"level"`
	Text  string `json:"text"`
}

// Mark is what has happened at one time.
type Mark struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// notKnown is said of a time before the state that the API tells of and before the dashboard looked on.
const notKnown = "not known: the cluster keeps only the latest state, and the dashboard did not look on yet"

// timeline returns the hour up to now.
func timeline(s Session, turns []turn, notices []Mark, now time.Time) Timeline {
	from := now.Add(-span)
	t := Timeline{Session: s, Spans: []Span{}, Marks: []Mark{}}
	end := now
	for _, turn := range slices.Backward(turns) {
		if !turn.at.Before(end) {
			continue
		}
		begin := turn.at
		if begin.Before(from) {
			begin = from
		}
		t.Spans = append(t.Spans, Span{begin, end, turn.level, turn.text})
		if end = begin; !end.After(from) {
			break
		}
	}
	if end.After(from) {
		t.Spans = append(t.Spans, Span{from, end, "", notKnown})
	}
	slices.Reverse(t.Spans)
	if !s.failed.IsZero() && s.Error != "" {
		t.Marks = append(t.Marks, Mark{s.failed, s.Error})
	}
	for i := range turns {
		if i > 0 && turns[i].level == turns[i-1].level {
			t.Marks = append(t.Marks, Mark{turns[i].at, lostMeanwhile})
		}
	}
	t.Marks = append(t.Marks, notices...)
	t.Marks = slices.DeleteFunc(t.Marks, func(m Mark) bool { return m.At.Before(from) || m.At.After(now) })
	slices.SortStableFunc(t.Marks, func(a, b Mark) int { return a.At.Compare(b.At) })
	return t
}

// noticesOf returns the events by the BGPPeer that they are about.
func noticesOf(events []corev1.Event) map[string][]Mark {
	notices := map[string][]Mark{}
	for i := range events {
		e := &events[i]
		at := e.EventTime.Time
		switch {
		case e.Series != nil:
			at = e.Series.LastObservedTime.Time
		case at.IsZero():
			at = e.LastTimestamp.Time
		}
		name := e.InvolvedObject.Name
		notices[name] = append(notices[name], Mark{at, "peer " + name + ": " + e.Reason + ": " + e.Message})
	}
	return notices
}

// SessionQuery asks for sessions.
type SessionQuery struct {
	// Peer, Node and Level select, if they are not empty.
	Peer, Node string
	Level      Level
	Page
}

// Page is a part of a list.
type Page struct{ Offset, Limit int }

// of returns the bounds of the part in a list of that length.
func (p Page) of(length int) (from, to int) {
	from = min(max(p.Offset, 0), length)
	return from, min(from+max(p.Limit, 0), length)
}

// Sessions are those asked for.
type Sessions struct {
	Total int        `json:"total"`
	From  time.Time  `json:"from"`
	To    time.Time  `json:"to"`
	Rows  []Timeline `json:"rows"`
}

// Sessions returns the sessions asked for, with what is wrong first, and their last hour up to now: a picture holds for as long as nothing changes.
func (p *Picture) Sessions(q SessionQuery, now time.Time) Sessions {
	var found []Session
	for _, s := range p.sessions {
		if (q.Peer == "" || s.Peer == q.Peer) && (q.Node == "" || s.Node == q.Node) && (q.Level == "" || s.Level == q.Level) {
			found = append(found, s)
		}
	}
	result := Sessions{Total: len(found), From: now.Add(-span), To: now, Rows: []Timeline{}}
	from, to := q.of(len(found))
	for _, s := range found[from:to] {
		result.Rows = append(result.Rows, timeline(s, p.story.turns[s.key()], p.notices[s.Peer], now))
	}
	return result
}
