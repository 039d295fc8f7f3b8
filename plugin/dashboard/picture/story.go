// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"metallb.io/metallb/internal/active"
)

// Story is what is known of the past: what the API server told at first by its times, and what has been seen since.
type Story struct {
	Began   time.Time
	Changes []Change
	turns   map[sessionKey][]turn
}

// Change is something that has changed.
type Change struct {
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"`
	Namespace string    `json:"namespace,omitempty"`
	// Name is empty if many are told of at once.
	Name  string `json:"name,omitempty"`
	Level Level  `json:"level"`
	Text  string `json:"text"`
}

type sessionKey struct{ node, peer string }

// turn is when a session has come to fare as it does.
type turn struct {
	at    time.Time
	level Level
	text  string
}

const (
	// span is how far back is told of.
	span = time.Hour
	// maxChanges is how many changes are kept, and maxTurns how many of each session.
	maxChanges = 100
	maxTurns   = 64
	// maxAlike is up to how many objects of a kind are told of each, if the same has happened to them.
	maxAlike = 4
)

// tell returns the story up to this picture, which comes after another, or is the first.
func (p *Picture) tell(before *Picture) Story {
	if before == nil {
		return p.begin()
	}
	s := Story{Began: before.story.Began, turns: make(map[sessionKey][]turn, len(p.sessions))}
	since := make(map[sessionKey]*time.Time, len(before.sessions))
	for i := range before.sessions {
		since[before.sessions[i].key()] = before.sessions[i].Since
	}
	for _, one := range p.sessions {
		s.turns[one.key()] = follow(before.story.turns[one.key()], one, since[one.key()], p.cluster.Now)
	}
	s.Changes = fold(p.changes(before, s.turns))
	s.Changes = append(s.Changes, before.story.Changes...)
	s.Changes = s.Changes[:min(len(s.Changes), maxChanges)]
	return s
}

// begin reads the story from the times that the objects have.
func (p *Picture) begin() Story {
	s := Story{Began: p.cluster.Now, turns: make(map[sessionKey][]turn, len(p.sessions))}
	oldest := p.cluster.Now.Add(-span)
	var changes []Change
	for _, one := range p.sessions {
		s.turns[one.key()] = follow(nil, one, nil, p.cluster.Now)
		if one.Since != nil && one.Since.After(oldest) {
			changes = append(changes, one.change(*one.Since))
		}
	}
	for i := range p.services {
		if one := &p.services[i]; one.since.After(oldest) {
			changes = append(changes, one.change(one.since))
		}
	}
	s.Changes = fold(changes)
	s.Changes = s.Changes[:min(len(s.Changes), maxChanges)]
	return s
}

// follow adds the turn of a session, if it fares in another way than before, or as before and was lost meanwhile. Before is since when it was in its
// state when it was seen last.
func follow(turns []turn, s Session, before *time.Time, now time.Time) []turn {
	lost := s.Level != Bad && s.Since != nil && before != nil && s.Since.After(*before)
	if len(turns) > 0 && turns[len(turns)-1].level == s.Level && !lost {
		return turns
	}
	t := turn{now, s.Level, s.words()}
	if s.Since != nil && s.Since.Before(now) {
		t.at = *s.Since
	}
	// An attempt that fails as the one before changes the state, but not the time of the error.
	if s.Level == Bad && !s.failed.IsZero() && s.failed.Before(t.at) {
		t.at = s.failed
	}
	if len(turns) > 0 && t.at.Before(turns[len(turns)-1].at) {
		t.at = now
	}
	turns = append(slices.Clip(turns), t)
	return turns[max(0, len(turns)-maxTurns):]
}

func (s *Session) key() sessionKey { return sessionKey{s.Node, s.Peer} }

func (s *Session) words() string {
	if s.Level == Bad && s.Error != "" {
		return s.State + ": " + s.Error
	}
	return s.State
}

func (s *Session) change(at time.Time) Change {
	c := Change{Time: at, Kind: kindSession, Name: s.Node + " ↔ " + s.Peer, Level: s.Level, Text: "is established"}
	if s.Level == Bad {
		c.Text = "is down: " + s.words()
	}
	return c
}

func (s *Service) change(at time.Time) Change {
	c := Change{Time: at, Kind: KindService, Namespace: s.Namespace, Name: s.Name, Level: s.Level, Text: "is " + s.State}
	if s.Reason != "" {
		c.Text += ": " + s.Reason
	}
	return c
}

// lostMeanwhile is said of a session that is established as before, but not since as long: speakers do not write each time that one is lost.
const lostMeanwhile = "was lost and is established again"

// changes returns what has changed since the picture before. The turns of sessions are those of now.
func (p *Picture) changes(before *Picture, turns map[sessionKey][]turn) []Change {
	changes := slices.Concat(p.serviceChanges(before), p.configurationChanges(before))
	for _, s := range p.sessions {
		was, is := before.story.turns[s.key()], turns[s.key()]
		if len(was) > 0 && was[len(was)-1] == is[len(is)-1] {
			continue
		}
		c := s.change(p.cluster.Now)
		if len(was) > 0 && was[len(was)-1].level == s.Level {
			c.Text = lostMeanwhile
		}
		changes = append(changes, c)
	}
	each(before.Front.Nodes, p.Front.Nodes, func(name string, was, is *Node) {
		switch {
		case was == nil:
			changes = append(changes, p.changed(KindNode, name, is.Level, "joins"))
		case is == nil:
			changes = append(changes, p.changed(KindNode, name, Idle, "is gone"))
		case was.news != is.news:
			changes = append(changes, p.changed(KindNode, name, is.Level, cmp.Or(is.news, "no longer: "+was.news)))
		}
	})
	each(before.Front.Workloads, p.Front.Workloads, func(name string, was, is *Workload) {
		if is != nil && (was == nil || was.Ready != is.Ready || was.Desired != is.Desired) {
			changes = append(changes, p.changed("Pods", name, is.Level, fmt.Sprintf("%d of %d ready", is.Ready, is.Desired)))
		}
	})
	return changes
}

// changed is a change that is seen now.
func (p *Picture) changed(kind, name string, level Level, text string) Change {
	return Change{Time: p.cluster.Now, Kind: kind, Name: name, Level: level, Text: text}
}

func (p *Picture) configurationChanges(before *Picture) []Change {
	var changes []Change
	each(before.levelsOfPools(), p.levelsOfPools(), func(name string, was, is *Level) {
		switch {
		case is == nil:
			changes = append(changes, p.changed(KindPool, name, Idle, "is gone"))
		case was == nil:
			changes = append(changes, p.changed(KindPool, name, *is, "is there"))
		case *was != *is && *is == Warn:
			changes = append(changes, p.changed(KindPool, name, *is, "has no free address"))
		}
	})
	written := map[active.Key]bool{}
	for o := range p.cluster.Written.All() {
		written[active.KeyOf(o)] = true
	}
	each(objectsByKey(before.Front.Objects), objectsByKey(p.Front.Objects), func(key active.Key, was, is *Object) {
		switch {
		case is == nil && !written[key]: // It is deleted.
		case is == nil:
			changes = append(changes, p.changed(was.Kind, was.Name, OK, "is in use as written"))
		case was == nil:
			changes = append(changes, p.changed(is.Kind, is.Name, Bad, "is not in use as written: "+is.Message))
		}
	})
	return changes
}

// levelsOfPools are those of all pools, by name, drawn or not.
func (p *Picture) levelsOfPools() map[string]Level {
	all := make(map[string]Level, len(p.pools))
	for _, one := range p.pools {
		all[one.name] = one.level
	}
	return all
}

func objectsByKey(objects []Object) map[active.Key]Object {
	all := map[active.Key]Object{}
	for _, o := range objects {
		all[active.Key{Kind: o.Kind, Name: o.Name}] = o
	}
	return all
}

// each calls f for every key of two maps, in the order of keys, with nil where one of them has none.
func each[K comparable, V any](before, after map[K]V, f func(key K, was, is *V)) {
	keys := map[K]bool{}
	for k := range before {
		keys[k] = true
	}
	for k := range after {
		keys[k] = true
	}
	order := func(a, b K) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	for _, k := range slices.SortedFunc(maps.Keys(keys), order) {
		var was, is *V
		if v, has := before[k]; has {
			was = &v
		}
		if v, has := after[k]; has {
			is = &v
		}
		f(k, was, is)
	}
}

// serviceChanges walks both lists, which have the same order.
func (p *Picture) serviceChanges(before *Picture) []Change {
	var changes []Change
	old, now := before.services, p.services
	for len(old) > 0 || len(now) > 0 {
		order := 0
		switch {
		case len(old) == 0:
			order = 1
		case len(now) == 0:
			order = -1
		default:
			order = cmp.Or(strings.Compare(old[0].Namespace, now[0].Namespace), strings.Compare(old[0].Name, now[0].Name))
		}
		switch {
		case order < 0:
			changes = append(changes, Change{Time: p.cluster.Now, Kind: KindService, Namespace: old[0].Namespace, Name: old[0].Name, Level: Idle, Text: "is gone"})
			old = old[1:]
		case order > 0:
			changes = append(changes, now[0].change(p.cluster.Now))
			now = now[1:]
		default:
			if old[0].State != now[0].State || old[0].Reason != now[0].Reason {
				changes = append(changes, now[0].change(p.cluster.Now))
			} else if !slices.Equal(old[0].Addresses, now[0].Addresses) {
				c := now[0].change(p.cluster.Now)
				c.Text = "has now " + cmp.Or(strings.Join(now[0].Addresses, ", "), "no address")
				changes = append(changes, c)
			}
			old, now = old[1:], now[1:]
		}
	}
	return changes
}

// fold sorts changes, the latest first, and tells at once of many objects of a namespace that the same has happened to.
func fold(changes []Change) []Change {
	alike := map[Change][]Change{}
	for _, c := range changes {
		key := Change{Kind: c.Kind, Namespace: c.Namespace, Level: c.Level, Text: c.Text}
		alike[key] = append(alike[key], c)
	}
	all := []Change{}
	for key, same := range alike {
		if len(same) <= maxAlike {
			all = append(all, same...)
			continue
		}
		for _, c := range same {
			if c.Time.After(key.Time) {
				key.Time = c.Time
			}
		}
		key.Text = fmt.Sprintf("%d %ss: each %s", len(same), strings.ToLower(key.Kind), key.Text)
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(b.Time.Compare(a.Time), -cmp.Compare(rank(a.Level), rank(b.Level)), strings.Compare(a.Kind, b.Kind),
			strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name), strings.Compare(a.Text, b.Text))
	})
	return all
}
