// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"metallb.io/metallb/test/conformance"
)

func TestOnlyWhatHasPassedIsInTheTable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seen")
	t.Setenv(conformance.FileVariable, file)
	t.Run("passes", func(t *testing.T) {
		conformance.Seen(t, conformance.Cell{Feature: "routes", Router: conformance.BIRD, Family: conformance.IPv4, Kind: conformance.External})
	})
	t.Run("passes again", func(t *testing.T) {
		conformance.Seen(t, conformance.Cell{Feature: "routes", Router: conformance.FRR, Family: conformance.IPv6, Kind: conformance.Internal})
	})
	t.Run("is skipped", func(t *testing.T) {
		conformance.Seen(t, conformance.Cell{Feature: "nothing", Router: conformance.BIRD, Family: conformance.IPv4, Kind: conformance.External})
		t.SkipNow()
	})
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	cells, err := conformance.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	page := conformance.Page(cells)
	if !strings.Contains(page, "\n| routes | ✓ | | | | | | | ✓ |\n") || strings.Contains(page, "nothing") {
		t.Errorf("page is %s", page)
	}
}

func TestACellThatTheTableHasNotIsRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{`{"feature":"a","router":"Quagga","family":"IPv4","kind":"external"}`, `{"router":"BIRD","family":"IPv4","kind":"external"}`, `x`} {
		if _, err := conformance.Read(strings.NewReader(line)); err == nil {
			t.Errorf("%s is accepted", line)
		}
	}
}
