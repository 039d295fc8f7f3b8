// SPDX-License-Identifier: Apache-2.0

package assignment_test

import (
	"context"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	toolscache "k8s.io/client-go/tools/cache"
	cachetesting "k8s.io/client-go/tools/cache/testing"

	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/test/late"
)

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
	f := assignment.NewFeed(x, &late.Informers{Informer: informer})
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
