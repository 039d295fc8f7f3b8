// SPDX-License-Identifier: Apache-2.0

package message_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/internal/message"
)

func TestTheFirstItemsAreNamedAndTheOthersCounted(t *testing.T) {
	t.Parallel()
	items := []string{"a", "b", "c"}
	got := []string{
		message.First(nil, 2), message.First(items[:1], 2), message.First(items[:2], 2), message.First(items, 2),
		message.Some(items, 3, "; "), message.Some(items, 7, "; "),
	}
	if diff := cmp.Diff([]string{"", "a", "a, b", "a, b and 1 more", "a; b; c", "a; b; c; and 4 more"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
