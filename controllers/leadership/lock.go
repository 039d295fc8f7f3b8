// SPDX-License-Identifier: Apache-2.0

package leadership

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

const (
	// LeaseDuration is how long others wait for a renewal before they take the lease.
	LeaseDuration = 15 * time.Second
	// RenewDeadline is how long a leader writes after its last renewal. What is left of LeaseDuration is for writes under way.
	RenewDeadline = 10 * time.Second
	// RetryPeriod is between two renewals.
	RetryPeriod = 2 * time.Second
	// readTimeout bounds each request for the lease.
	readTimeout = RenewDeadline / 2
	// unansweredFor is how long a write without an answer may still be on its way.
	unansweredFor = time.Minute
)

// ErrLost is the error of a write after another controller has taken the lease, or may have.
var ErrLost = errors.New("another controller has become the active one")

// Lock is a Lease, for use by a manager, which knows whether this process still holds it. It is safe for concurrent use as
// far as a manager does not own it: Get, Create and Update belong to its leader election.
type Lock struct {
	*resourcelock.LeaseLock

	clock Clock
	// onLost is called once, when another is seen to hold the lease.
	onLost func()

	mu sync.Mutex
	// seen is the holder and its term as last read by leader election.
	seen term
	// own is the term of this process, once it has one.
	own *term
	// predecessor may still have a write on its way.
	predecessor bool
	lost        bool
	// renewed is when the last renewal that succeeded was begun, unanswered when a write was last left without an answer.
	renewed, unanswered Instant
	proofs              proofs
}

// term is the time from when a process takes the lease until another does, or it takes it again.
type term struct {
	holder string
	number int
}

// NewLock returns the Lock of the Lease. Its identity is unique for each process.
func NewLock(config *rest.Config, namespace, name string) (*Lock, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("naming this process as a candidate: %w", err)
	}
	config = rest.AddUserAgent(config, "leader-election")
	config.Timeout = readTimeout // So that one request without an answer does not end the term.
	leases, err := coordinationv1client.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for the lease: %w", err)
	}
	return newLock(leases, namespace, name, host+"_"+string(uuid.NewUUID()), realClock{}), nil
}

func newLock(leases coordinationv1client.LeasesGetter, namespace, name, identity string, clock Clock) *Lock {
	return &Lock{
		LeaseLock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Client: leases,
			LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
		},
		clock: clock,
	}
}

// OnLost makes the function be called when another is seen to hold the lease. It comes before the manager is started.
func (l *Lock) OnLost(do func()) { l.onLost = do }

// Predecessor reports whether a controller before this one may still have a write on its way: it did not give the lease away
// by itself, or nobody knows. It says so after this one has become the leader.
func (l *Lock) Predecessor() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.predecessor
}

// Get reads the Lease, for leader election.
func (l *Lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.LeaseLock.Get(ctx)
	if err == nil {
		l.see(term{record.HolderIdentity, record.LeaderTransitions})
	}
	return record, raw, err
}

// see takes notice of the Lease as the API server has it, and reports whether it is not another's. Nothing that comes later
// gives the lease back to this process: what it knows is not what happened meanwhile.
func (l *Lock) see(t term) bool {
	l.mu.Lock()
	l.seen = t
	lostNow := l.own != nil && t != *l.own && !l.lost
	l.lost = l.lost || lostNow
	lost := l.lost
	l.mu.Unlock()
	if lostNow && l.onLost != nil {
		l.onLost()
	}
	return !lost
}

// Create creates the Lease and takes it. Somebody may have deleted the one of a leader that still is.
func (l *Lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, record, true, l.LeaseLock.Create)
}

// Update takes the lease, renews it, or gives it away.
func (l *Lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	if record.HolderIdentity == "" {
		return l.giveAway(ctx, record)
	}
	l.mu.Lock()
	unclean := l.seen.holder != ""
	l.mu.Unlock()
	return l.write(ctx, record, unclean, l.LeaseLock.Update)
}

func (l *Lock) write(ctx context.Context, record resourcelock.LeaderElectionRecord, unclean bool,
	do func(context.Context, resourcelock.LeaderElectionRecord) error,
) error {
	next := term{record.HolderIdentity, record.LeaderTransitions}
	l.mu.Lock()
	// Leader election would go on as if nothing had happened when the lease of the leader in between has ended too.
	refused := l.lost || l.own != nil && next != *l.own
	l.mu.Unlock()
	if refused {
		return ErrLost
	}
	begun := l.clock.Now()
	if err := do(ctx, record); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewed = begun
	if l.own == nil {
		l.own, l.predecessor = &next, unclean
	}
	return nil
}

// giveAway gives the lease to whoever comes next, unless it is another's by now, or a write of this process may still be on its
// way: then it has to end by itself, so that the next leader knows.
func (l *Lock) giveAway(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	l.mu.Lock()
	lost := l.lost || l.own == nil || l.seen != *l.own
	pending := !l.unanswered.IsZero() && l.clock.Now().Since(l.unanswered) < unansweredFor
	l.mu.Unlock()
	switch {
	case lost:
		return ErrLost
	case pending:
		return errors.New("a write has had no answer, leaving the lease to end by itself")
	}
	return l.LeaseLock.Update(ctx, record)
}
