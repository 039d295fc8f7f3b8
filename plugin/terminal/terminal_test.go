// SPDX-License-Identifier: Apache-2.0

package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func none(string) string { return "" }

func TestColoursAreForWhoAsksForThem(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	for name, tc := range map[string]struct {
		when string
		want string
	}{
		"always":               {ColorAlways, "\x1b[31mbad\x1b[0m"},
		"never":                {ColorNever, "bad"},
		"where no terminal is": {ColorAuto, "bad"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := NewPalette(tc.when, file, none)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Bad("bad"); got != tc.want || p.Colored() != strings.Contains(tc.want, "\x1b") {
				t.Errorf("got %q, want %q; coloured: %t", got, tc.want, p.Colored())
			}
			if p.Bad("") != "" {
				t.Error("nothing is coloured")
			}
		})
	}
}

func TestAnotherWordForColoursIsRefused(t *testing.T) {
	t.Parallel()
	_, err := NewPalette("yes", &bytes.Buffer{}, none)
	if want := "--color=yes: must be auto, always or never"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestEachMarkHasItsColour(t *testing.T) {
	t.Parallel()
	p, err := NewPalette(ColorAlways, nil, none)
	if err != nil {
		t.Fatal(err)
	}
	for mark, want := range map[Mark]struct{ colored, plain string }{
		Good: {"\x1b[32m✓\x1b[0m", "✓"}, Bad: {"\x1b[31m✗\x1b[0m", "✗"}, Doubtful: {"\x1b[33m!\x1b[0m", "!"}, None: {"\x1b[2m·\x1b[0m", "·"},
	} {
		if got := p.Mark(mark); got != want.colored {
			t.Errorf("%s: got %q, want %q", mark, got, want.colored)
		}
		if got := (Palette{}).Mark(mark); got != want.plain {
			t.Errorf("%s without colours: got %q, want %q", mark, got, want.plain)
		}
	}
}

func TestABarIsFullOrEmptyOnlyIfItsShareIs(t *testing.T) {
	t.Parallel()
	for want, shares := range map[string][]float64{
		"░░░░": {0, -1}, "█░░░": {0.001, 0.25, 0.37}, "██░░": {0.5}, "███░": {0.75, 0.999}, "████": {1, 2},
	} {
		for _, share := range shares {
			if got := Bar(share, 4); got != want {
				t.Errorf("%g: got %s, want %s", share, got, want)
			}
		}
	}
}

func TestColumnsAreAsWideAsWhatIsSeenOfThem(t *testing.T) {
	t.Parallel()
	p, err := NewPalette(ColorAlways, nil, none)
	if err != nil {
		t.Fatal(err)
	}
	table := NewTable("NAME", "STATE", "WHY")
	if !table.Empty() {
		t.Error("a header is a row")
	}
	table.Indent = "  "
	table.Row("a", p.Good("✓"), "")
	table.Row("älter", p.Bad("no way"), "because")
	var out bytes.Buffer
	n, err := table.WriteTo(&out)
	if err != nil || n != int64(out.Len()) || table.Empty() {
		t.Errorf("%d bytes of %d, %v", n, out.Len(), err)
	}
	want := "  NAME    STATE    WHY\n" +
		"  a       \x1b[32m✓\x1b[0m\n" +
		"  älter   \x1b[31mno way\x1b[0m   because\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestATextMovesNoCursorAndBreaksNoLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"198.51.100.7 → \"größe\", 'x'": "198.51.100.7 → \"größe\", 'x'",
		"\x1b[2Jgone\r\n":               `\x1b[2Jgone\r\n`,
		"\u202eback":                    `\u202eback`,
		"not UTF-8: \xff":               "not UTF-8: \ufffd",
	} {
		if got := Plain(text); got != want {
			t.Errorf("%q is printed as %q, want %q", text, got, want)
		}
	}
}
