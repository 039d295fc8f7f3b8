// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Whatever is wrong with the certificate, services get their addresses by the same process.
func TestARotatorThatGivesUpIsReplacedLaterAndLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l logs
		c := newCertificate(secretName(), l.logger())
		start := time.Now()
		var after []time.Duration
		r := &rotation{certificate: c, logger: l.logger(), rotate: func(ctx context.Context, attempt int) error {
			after = append(after, time.Since(start))
			if attempt != len(after) {
				t.Errorf("attempt %d is called the %d.", len(after), attempt)
			}
			if attempt == 4 {
				<-ctx.Done()
				return ctx.Err()
			}
			return errors.New("no luck")
		}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Start(ctx) }()

		time.Sleep(time.Minute) //nolint:forbidigo // of a clock that only this test has
		synctest.Wait()
		if len(after) > 0 {
			t.Error("it does not wait for the secret")
		}
		c.observe(secretOf(nil))
		time.Sleep(time.Hour) //nolint:forbidigo // of a clock that only this test has
		synctest.Wait()
		if diff := cmp.Diff([]time.Duration{60 * time.Second, 65 * time.Second, 75 * time.Second, 95 * time.Second}, after); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := len(l.all()); n != 3 {
			t.Errorf("%d lines, want one for each failure: %s", n, &l)
		}
	})
}

func TestOneReplicaRotatesAndAllServe(t *testing.T) {
	t.Parallel()
	if !(&rotation{}).NeedLeaderElection() || (&certificate{}).NeedLeaderElection() || (&observed{}).NeedLeaderElection() {
		t.Error("it is the other way round")
	}
}
