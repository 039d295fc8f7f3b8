// SPDX-License-Identifier: Apache-2.0

package rib_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/speaker/rib"
)

func TestASessionThatFallsBehindTakesWhatTheTableHasNow(t *testing.T) {
	t.Parallel()
	table := newSessions("behind", "quick")
	behind, quick := table.feeds[0], table.feeds[1]
	host, tagged, other := path(t, "198.51.100.1/32", 0), path(t, "198.51.100.1/32", 0, "64512:1"), path(t, "198.51.100.2/32", 0)
	for _, paths := range [][]rib.Path{{host}, {host, other}, {other}, {tagged}} {
		table.Set("a", byPeer{"behind": paths, "quick": paths})
		if _, found := quick.Take(); !found {
			t.Error("a session has to wait for another")
		}
		quick.Done()
	}
	if diff := cmp.Diff(prefixes("198.51.100.1/32", "198.51.100.2/32"), table.Unsettled("behind"), comparable); diff != "" {
		t.Errorf("unsettled prefixes (-want +got):\n%s", diff)
	}
	got, _ := behind.Take()
	want := rib.Change{Peer: "behind", Announce: []rib.Path{tagged}, Withdraw: prefixes("198.51.100.2/32")}
	if diff := cmp.Diff(want, got, comparable); diff != "" {
		t.Errorf("what is taken (-want +got):\n%s", diff)
	}
}

func TestASessionHasWhatTheTableSaysWhenItIsDoneAndNotBefore(t *testing.T) {
	t.Parallel()
	table, done := rib.NewTable(), uint64(0)
	table.OnDone(func(_ string, version uint64) { done = version })
	woken := 0
	feed := table.Subscribe("p", func() { woken++ })
	expect := func(step string, settled bool, wantWoken int) {
		t.Helper()
		due := table.Due("p")
		if (due == 0) != settled || done >= due != settled || woken != wantWoken {
			t.Errorf("%s: version %d is due, %d is done, woken %d times", step, due, done, woken)
		}
	}
	expect("a session that begins", false, 1)
	feed.Take()
	expect("while it takes up what there is", false, 1)
	table.Set("a", byPeer{"p": {path(t, "198.51.100.1/32", 0)}})
	expect("what changes meanwhile", false, 2)
	feed.Done()
	expect("done with what there was", false, 2)
	feed.Take()
	feed.Done()
	expect("done", true, 2)
	table.Set("b", byPeer{"p": {path(t, "198.51.100.1/32", 0)}})
	table.Set("c", byPeer{"another": {path(t, "198.51.100.1/32", 0)}})
	expect("what does not concern it", true, 2)

	feed.Restart()
	expect("a session that begins again", false, 3)
	got, _ := feed.Take()
	if diff := cmp.Diff(rib.Change{Peer: "p", Complete: true, Announce: []rib.Path{path(t, "198.51.100.1/32", 0)}}, got, comparable); diff != "" {
		t.Errorf("what it takes (-want +got):\n%s", diff)
	}
	before := done
	table.Subscribe("p", func() {})
	if feed.Done(); done != before {
		t.Error("a session that another took the place of tells of it")
	}
	feed.Close()
	if table.Due("p") == 0 {
		t.Error("it ended another's feed")
	}
}

func TestAllPathsDrainAlsoThoseThatComeUntilTheyDoNotAnyMore(t *testing.T) {
	t.Parallel()
	table := newSessions("p", "without-routes")
	host, other, ending := path(t, "198.51.100.1/32", 0), path(t, "198.51.100.2/32", 0), draining(path(t, "198.51.100.3/32", 0))
	expect := func(step string, announce ...rib.Path) {
		t.Helper()
		var want []rib.Change
		if len(announce) > 0 {
			want = []rib.Change{{Peer: "p", Announce: announce}}
		}
		if diff := cmp.Diff(want, table.take(), comparable); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step, diff)
		}
	}
	table.Set("a", byPeer{"p": {host, ending}})
	table.take()
	table.SetDraining(true)
	if !table.Draining() || table.Due("p") == 0 || table.Due("without-routes") != 0 {
		t.Errorf("draining: %t; due: %d and %d", table.Draining(), table.Due("p"), table.Due("without-routes"))
	}
	expect("what is there and did not drain", draining(host))
	table.Set("b", byPeer{"p": {other}})
	expect("what comes", draining(other))
	table.SetDraining(true)
	expect("once more")

	table.SetDraining(false)
	expect("what drained for this alone", host, other)
	if diff := cmp.Diff([]rib.Path{host, other, ending}, table.Paths("p"), comparable); diff != "" || table.Draining() {
		t.Errorf("draining: %t; paths (-want +got):\n%s", table.Draining(), diff)
	}
}
