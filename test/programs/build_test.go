// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"debug/buildinfo"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgramsAreStaticAndTheSameWhereverTheyAreBuilt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pause")
	if err := Build(t.Context(), Options{Source: "../..", Environment: []string{"GOARCH=arm64"}}, file, "./test/cluster/pause"); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"CGO_ENABLED": "0", "-trimpath": "true", "GOARCH": "arm64"}
	got := map[string]string{}
	for _, setting := range info.Settings {
		if _, wanted := want[setting.Key]; wanted {
			got[setting.Key] = setting.Value
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}
