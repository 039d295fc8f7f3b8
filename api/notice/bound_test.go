// SPDX-License-Identifier: Apache-2.0

package notice_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"metallb.io/metallb/api/notice"
)

func TestATextIsCutBetweenCharactersWhereItIsTooLong(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, notice.MaxLength - 1, notice.MaxLength, notice.MaxLength + 1, 2 * notice.MaxLength} {
		text := strings.Repeat("ä", n/2) + strings.Repeat("x", n%2)
		got := notice.Bound(text)
		switch {
		case n <= notice.MaxLength && got != text:
			t.Errorf("a text of %d bytes is changed", n)
		case len(got) > notice.MaxLength || !utf8.ValidString(got) || n > notice.MaxLength && !strings.HasSuffix(got, "…"):
			t.Errorf("of %d bytes %d are left, which end in %q", n, len(got), got[max(0, len(got)-4):])
		}
	}
}
