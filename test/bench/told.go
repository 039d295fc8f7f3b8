// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
)

// waitTold waits until n services say that they are announced, so that what is written late counts in the phase that it is of. The
// floor writes no such thing.
func (b *bench) waitTold(ctx context.Context, m *measurement, begin time.Time, n int) error {
	if b.subject.name != productName {
		return nil
	}
	at, err := b.tracker.waitTold(ctx, n)
	if err != nil {
		return err
	}
	m.Times[timeTold] = at.Sub(begin)
	return nil
}

// reportStep is between two looks at what the speaker tells.
const reportStep = 100 * time.Millisecond

// waitReported waits until the speaker tells that its session is established: whoever tells of services goes by that.
func (b *bench) waitReported(ctx context.Context) error {
	if b.subject.name != productName {
		return nil
	}
	for {
		var list v1beta1.BGPSessionStateList
		if err := b.cluster.client.List(ctx, &list, client.InNamespace(productNamespace)); err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		if slices.ContainsFunc(list.Items, isEstablished) {
			return nil
		}
		if err := pause(ctx, reportStep); err != nil {
			return fmt.Errorf("waiting for the speaker to tell of its session: %w", err)
		}
	}
}

func isEstablished(s v1beta1.BGPSessionState) bool {
	return s.Status.State == v1beta1.SessionEstablished
}
