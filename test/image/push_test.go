// SPDX-License-Identifier: Apache-2.0

package image

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestWhatIsPushedIsInTheRegistryForEveryPlatform(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	program := filepath.Join(t.TempDir(), "speaker")
	if err := os.WriteFile(program, []byte("a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	platforms := []Platform{{"amd64", ""}, {"arm64", ""}}
	variants := make([]Variant, 0, len(platforms))
	for _, p := range platforms {
		img, err := Binary(program, "/speaker", Unpacked)
		if err == nil {
			img, err = describe(img, p, labels(SpeakerImage, "v1", "abc"))
		}
		if err != nil {
			t.Fatal(err)
		}
		variants = append(variants, Variant{p, img})
	}
	for _, n := range []int{1, 2} {
		ref := strings.TrimPrefix(server.URL, "http://") + "/metallb-speaker:v1"
		if err := push(t.Context(), ref, variants[:n]); err != nil {
			t.Fatal(err)
		}
		tag, err := name.NewTag(ref)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, p := range platforms[:n] {
			img, err := remote.Image(tag, remote.WithPlatform(*p.descriptor()))
			if err != nil {
				t.Fatal(err)
			}
			file, err := img.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			got[file.Architecture] = true
		}
		if diff := cmp.Diff(n, len(got)); diff != "" {
			t.Errorf("platforms (-want +got):\n%s", diff)
		}
	}
}
