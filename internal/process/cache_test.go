// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	cachetesting "k8s.io/client-go/tools/cache/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// oneKind is a cache of one kind.
type oneKind struct {
	cache.Cache
	informer toolscache.SharedIndexInformer
}

func (s *oneKind) GetInformer(_ context.Context, _ client.Object, _ ...cache.InformerGetOption) (cache.Informer, error) {
	return s.informer, nil
}

func (s *oneKind) WaitForCacheSync(context.Context) bool { return s.informer.HasSynced() }

// started runs the function with a promptCache whose informer finds one Service.
func started(t *testing.T, f func(ctx context.Context, c *promptCache)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		source := cachetesting.NewFakeControllerSource()
		source.Add(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web"}})
		informer := toolscache.NewSharedIndexInformer(source, &corev1.Service{}, 0, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer source.Shutdown()
		defer synctest.Wait() // a list that begins after Shutdown never ends
		defer cancel()
		go informer.RunWithContext(ctx)
		f(ctx, &promptCache{Cache: &oneKind{informer: informer}})
	})
}

func TestWhoWaitsForACacheGoesOnAsSoonAsHandlersKnowWhatIsInIt(t *testing.T) {
	started(t, func(ctx context.Context, c *promptCache) {
		began, release := time.Now(), make(chan struct{})
		informer, err := c.GetInformer(ctx, &corev1.Service{})
		if err != nil {
			t.Fatal(err)
		}
		handler := toolscache.ResourceEventHandlerFuncs{AddFunc: func(any) { <-release }}
		if _, err := informer.AddEventHandlerWithOptions(handler, toolscache.HandlerOptions{}); err != nil {
			t.Fatal(err)
		}
		filled := make(chan bool, 1)
		go func() { filled <- c.WaitForCacheSync(ctx) }()
		synctest.Wait()
		select {
		case <-filled:
			t.Fatal("it did not wait for the handler")
		default:
		}
		close(release)
		if !<-filled {
			t.Error("the cache is not filled")
		}
		if waited := time.Since(began); waited != 0 { // of the test's own clock, which stands still while there is work to do
			t.Errorf("it went on after %s, not at once", waited)
		}
	})
}

func TestWhoWaitsForACacheIsToldThatItWasStopped(t *testing.T) {
	started(t, func(ctx context.Context, c *promptCache) {
		informer, err := c.GetInformer(ctx, &corev1.Service{})
		if err != nil {
			t.Fatal(err)
		}
		release := make(chan struct{})
		defer close(release)
		handler := toolscache.ResourceEventHandlerFuncs{AddFunc: func(any) { <-release }}
		if _, err := informer.AddEventHandlerWithOptions(handler, toolscache.HandlerOptions{}); err != nil {
			t.Fatal(err)
		}
		stopped, stop := context.WithCancel(ctx)
		stop()
		if c.WaitForCacheSync(stopped) {
			t.Error("a cache whose handlers do not know what is in it counts as filled")
		}
	})
}
