// SPDX-License-Identifier: Apache-2.0

package leadership

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// proofs are readings of the lease. One that begins after several callers have asked serves them all, so that many writes at a time
// cost few.
type proofs struct {
	// next has not begun yet; nil if nobody waits for it.
	next    *proof
	running bool
}

type proof struct {
	done chan struct{}
	err  error
}

// Check returns nil if this process may write what it has decided before: it held the lease after that, and its time is not up.
// Before its term everybody may; what leaders alone do has not begun then.
func (l *Lock) Check(ctx context.Context) error {
	l.mu.Lock()
	led, lost := l.own != nil, l.lost
	l.mu.Unlock()
	switch {
	case !led:
		return nil
	case lost:
		return ErrLost
	}
	if err := l.prove(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if since := l.clock.Now().Since(l.renewed); since > RenewDeadline {
		return fmt.Errorf("%w, for the lease was last renewed %s ago", ErrLost, since)
	}
	return nil
}

// prove returns when a reading of the lease that was begun after the call has said that it is held.
func (l *Lock) prove(ctx context.Context) error {
	l.mu.Lock()
	if l.proofs.next == nil {
		l.proofs.next = &proof{done: make(chan struct{})}
	}
	p := l.proofs.next
	if !l.proofs.running {
		l.proofs.running = true
		go l.runProofs(context.WithoutCancel(ctx))
	}
	l.mu.Unlock()
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runProofs reads the lease as long as there is somebody who waits for that.
func (l *Lock) runProofs(ctx context.Context) {
	for {
		l.mu.Lock()
		p := l.proofs.next
		l.proofs.next = nil
		l.proofs.running = p != nil
		l.mu.Unlock()
		if p == nil {
			return
		}
		p.err = l.read(ctx)
		close(p.done)
	}
}

// read asks the API server who holds the lease. Without a version in the request it answers with what is stored, not with what one of
// its caches has.
func (l *Lock) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	lease, err := l.Client.Leases(l.LeaseMeta.Namespace).Get(ctx, l.LeaseMeta.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%w, or may have: the lease was deleted", ErrLost)
	case err != nil:
		return fmt.Errorf("asking whether the lease is still held: %w", err)
	}
	record := resourcelock.LeaseSpecToLeaderElectionRecord(&lease.Spec)
	if !l.see(term{record.HolderIdentity, record.LeaderTransitions}) {
		return ErrLost
	}
	return nil
}
