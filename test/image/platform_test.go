// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestPlatformsAreParsed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		list, want, refused string
	}{
		"one":           {list: "linux/s390x", want: "linux/s390x"},
		"two":           {list: "linux/arm/v7,linux/amd64", want: "linux/arm/v7, linux/amd64"},
		"all":           {list: "all", want: "linux/amd64, linux/arm64, linux/arm/v7, linux/ppc64le, linux/s390x"},
		"an unknown":    {list: "linux/amd64,windows/amd64", refused: `platform "windows/amd64" is not one of linux/amd64, linux/arm64, linux/arm/v7, linux/ppc64le, linux/s390x`},
		"no variant":    {list: "linux/arm", refused: `platform "linux/arm" is not one of linux/amd64, linux/arm64, linux/arm/v7, linux/ppc64le, linux/s390x`},
		"the same":      {list: "linux/amd64,linux/amd64", refused: `platform "linux/amd64" is there twice`},
		"nothing of it": {list: "", refused: `platform "" is not one of linux/amd64, linux/arm64, linux/arm/v7, linux/ppc64le, linux/s390x`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParsePlatforms(tc.list)
			if tc.refused != "" {
				if err == nil || err.Error() != tc.refused {
					t.Errorf("error %v, want %s", err, tc.refused)
				}
				return
			}
			if err != nil || names(got) != tc.want {
				t.Errorf("%s, error %v; want %s", names(got), err, tc.want)
			}
		})
	}
}

func TestProgramsAreBuiltForTheirPlatform(t *testing.T) {
	t.Parallel()
	want := []string{"GOOS=linux", "GOARCH=arm", "GOARM=7"}
	if diff := cmp.Diff(want, Platform{"arm", "v7"}.environment()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("/x/speaker-linux-arm-v7", programFile("/x", SpeakerImage, Platform{"arm", "v7"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOneTarHasTheImagesOfAllPlatforms(t *testing.T) {
	t.Parallel()
	variants := variants(t)
	saved := [2]string{filepath.Join(t.TempDir(), "speaker.tar"), filepath.Join(t.TempDir(), "speaker.tar")}
	for _, tarFile := range saved {
		if err := SaveIndex(tarFile, "localhost/metallb-speaker:v1.2.3", variants); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, saved[0]) != read(t, saved[1]) {
		t.Error("two tars of the same are not equal")
	}
	if left, err := os.ReadDir(filepath.Dir(saved[0])); err != nil || len(left) != 1 {
		t.Errorf("beside it are %v, error %v", left, err)
	}
	images, descriptor := unpackLayout(t, saved[0])
	want := map[string]string{annotationRefName: "v1.2.3", annotationContainerd: "localhost/metallb-speaker:v1.2.3"}
	if diff := cmp.Diff(want, descriptor.Annotations); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	want = labels(SpeakerImage, "v1.2.3", "1a2b")
	for i, p := range Platforms() {
		got := images[i]
		if diff := cmp.Diff([]string{"linux", p.Architecture, p.Variant}, []string{got.OS, got.Architecture, got.Variant}); diff != "" {
			t.Errorf("platform (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, got.Config.Labels); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"65532:65532", "/speaker"}, append([]string{got.Config.User}, got.Config.Entrypoint...)); diff != "" {
			t.Errorf("what it runs (-want +got):\n%s", diff)
		}
	}
}

// variants returns the images of the speaker for all platforms.
func variants(t *testing.T) []Variant {
	t.Helper()
	o, dir := Options{Version: "v1.2.3", Revision: "1a2b"}.complete(), t.TempDir()
	found := make([]Variant, 0, len(Platforms()))
	for _, p := range Platforms() {
		if err := os.WriteFile(programFile(dir, SpeakerImage, p), []byte("static"), 0o600); err != nil {
			t.Fatal(err)
		}
		img, err := o.make(SpeakerImage, dir, p)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, Variant{p, img})
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// untar unpacks a tar into a directory.
func untar(t *testing.T, tarFile string) string {
	t.Helper()
	dir := t.TempDir()
	for reader := tar.NewReader(strings.NewReader(read(t, tarFile))); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		place := filepath.Join(dir, header.Name)
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(place, 0o755)
		} else {
			var text []byte
			text, err = io.ReadAll(reader)
			err = errors.Join(err, os.WriteFile(place, text, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// unpackLayout returns the configurations of the images of the only index in an OCI image layout, in order.
func unpackLayout(t *testing.T, tarFile string) ([]*v1.ConfigFile, v1.Descriptor) {
	t.Helper()
	outer, err := layout.ImageIndexFromPath(untar(t, tarFile))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("%v, error %v", manifest, err)
	}
	index, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("the index: %v", err)
	}
	inner, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	configs := make([]*v1.ConfigFile, 0, len(inner.Manifests))
	for i := range inner.Manifests {
		configs = append(configs, configOf(t, index, &inner.Manifests[i]))
	}
	return configs, manifest.Manifests[0]
}

// configOf returns the configuration of an image, which must be for the platform that the index says.
func configOf(t *testing.T, index v1.ImageIndex, d *v1.Descriptor) *v1.ConfigFile {
	t.Helper()
	img, err := index.Image(d.Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	got := []types.MediaType{manifest.MediaType, manifest.Config.MediaType, manifest.Layers[0].MediaType}
	if diff := cmp.Diff([]types.MediaType{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer}, got); diff != "" {
		t.Errorf("media types (-want +got):\n%s", diff)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if d.Platform.Architecture != config.Architecture || d.Platform.Variant != config.Variant {
		t.Errorf("the index says %v of an image for %s", d.Platform, config.Architecture)
	}
	return config
}
