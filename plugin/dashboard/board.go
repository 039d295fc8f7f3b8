// SPDX-License-Identifier: Apache-2.0

package dashboard

import (
	"encoding/json"
	"sync"
	"time"

	"metallb.io/metallb/plugin/dashboard/picture"
	"metallb.io/metallb/plugin/dashboard/store"
)

// board has the present picture, and wakes those who wait for the next.
type board struct {
	mu sync.Mutex
	shown
	// next is closed when something changes.
	next chan struct{}
}

// shown is what a page can be told at one time.
type shown struct {
	// picture is nil until the cluster is read.
	picture *picture.Picture
	// front is that of the picture as JSON.
	front []byte
	// answered is when the API server has answered last, and failure why it does not now.
	answered time.Time
	failure  string
}

func newBoard() *board { return &board{next: make(chan struct{})} }

// now returns what is shown now.
func (b *board) now() shown {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shown
}

// wait returns what is shown now, and what is closed when that changes.
func (b *board) wait() (shown, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.shown, b.next
}

// Changed shows the next picture.
func (b *board) Changed(s store.State) {
	next := picture.Of(s.Cluster, s.Events, b.now().picture)
	front, err := json.Marshal(next.Front)
	if err != nil {
		panic(err) // Everything in it has a JSON form.
	}
	b.set(func(now *shown) { now.picture, now.front, now.answered, now.failure = next, front, s.Cluster.Now, "" })
}

// Answered shows whether the API server answers.
func (b *board) Answered(at time.Time, err error) {
	b.set(func(now *shown) {
		if now.failure = ""; err != nil {
			now.failure = err.Error()
			return
		}
		now.answered = at
	})
}

func (b *board) set(change func(*shown)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.shown)
	close(b.next)
	b.next = make(chan struct{})
}
