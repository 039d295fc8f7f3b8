// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestALockIsWaitedFor(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "lock")
	release, err := Lock(t.Context(), file, func() { t.Error("waiting for a lock that nobody has") })
	if err != nil {
		t.Fatal(err)
	}
	waits := make(chan struct{})
	got := make(chan error)
	go func() {
		release, err := Lock(t.Context(), file, func() { close(waits) })
		if err == nil {
			release()
		}
		got <- err
	}()
	<-waits
	// A holder may remove the file. Whoever waits must then lock the file of that name, not the one that is gone.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	release()
	if err := <-got; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the lock that was taken is not the file of its name: %v", err)
	}
}

func TestWaitingForALockCanBeCancelled(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "lock")
	release, err := Lock(t.Context(), file, func() {})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := Lock(ctx, file, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}
