// SPDX-License-Identifier: Apache-2.0

package assignment_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	cachetesting "k8s.io/client-go/tools/cache/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/controllers/assignment"
)

// informers has the informer of Services, from the second time on that it is asked for it.
type informers struct {
	cache.Informers
	informer toolscache.SharedIndexInformer

	mu    sync.Mutex
	asked int
}

func (i *informers) GetInformer(context.Context, client.Object, ...cache.InformerGetOption) (cache.Informer, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	if i.asked == 1 {
		return nil, errors.New("the API server is away")
	}
	return i.informer, nil
}

func TestTheFeedFollowsTheServicesUntilItIsStopped(t *testing.T) {
	defer goleak.VerifyNone(t)
	g := NewWithT(t)
	source := cachetesting.NewFakeControllerSource()
	source.Add(held("early", "gold", "192.0.2.1"))
	informer := toolscache.NewSharedIndexInformer(source, &corev1.Service{}, 0, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer source.Shutdown()
	defer cancel()
	running.Go(func() { informer.RunWithContext(ctx) })

	x := assignment.NewIndex("")
	f := assignment.NewFeed(x, &informers{informer: informer})
	g.Expect(f.NeedLeaderElection()).To(BeFalse())
	g.Expect(toolscache.IsDone(f)).To(BeFalse())
	done := make(chan error, 1)
	running.Go(func() { done <- f.Start(ctx) })
	all := func() []string { return names(x.All()) }
	g.Eventually(f.Done()).WithTimeout(10 * time.Second).Should(BeClosed())
	g.Expect(all()).To(Equal([]string{"early 192.0.2.1"}))

	source.Add(held("late", "gold", "192.0.2.2"))
	g.Eventually(all).Should(Equal([]string{"early 192.0.2.1", "late 192.0.2.2"}))
	source.Modify(held("late", "gold", "192.0.2.3"))
	g.Eventually(all).Should(Equal([]string{"early 192.0.2.1", "late 192.0.2.3"}))
	source.Delete(held("early", "gold", "192.0.2.1"))
	g.Eventually(all).Should(Equal([]string{"late 192.0.2.3"}))

	cancel()
	g.Eventually(done).Should(Receive(BeNil()))
}
