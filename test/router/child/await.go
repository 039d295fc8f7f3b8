// SPDX-License-Identifier: Apache-2.0

package child

import (
	"context"
	"time"
)

// answerWait is how long a daemon that was just started may take to answer.
const answerWait = 10 * time.Second

// Await asks a daemon until it answers without an error, and returns the last error if it has not done so within ten seconds.
func Await(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
