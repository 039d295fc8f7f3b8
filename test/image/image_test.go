// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// file is what there is to know of a file of an image.
type file struct {
	Type  byte
	Mode  int64
	Owner int
	Link  string
	Text  string
}

// contents returns the files of an image, by their paths.
func contents(t *testing.T, img v1.Image) map[string]file {
	t.Helper()
	stream := mutate.Extract(img)
	defer stream.Close()
	files := make(map[string]file)
	for reader := tar.NewReader(stream); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		files["/"+strings.TrimSuffix(header.Name, "/")] = file{
			Type: header.Typeflag, Mode: header.Mode, Owner: header.Uid, Link: header.Linkname, Text: string(text),
		}
	}
}

// program writes a file that stands for a static program.
func program(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("static"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAnImageOfABinaryHasLittleElse(t *testing.T) {
	t.Parallel()
	img, err := Binary(program(t), "/controller", Unpacked)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]file{
		"/controller": {Type: tar.TypeReg, Mode: 0o755, Text: "static"},
		"/etc":        {Type: tar.TypeDir, Mode: 0o755},
		"/etc/passwd": {Type: tar.TypeReg, Mode: 0o644, Text: "root:x:0:0::/:/sbin/nologin\n" +
			"nobody:x:65534:65534::/:/sbin/nologin\nnonroot:x:65532:65532::/:/sbin/nologin\n"},
		"/etc/group": {Type: tar.TypeReg, Mode: 0o644, Text: "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n"},
		"/tmp":       {Type: tar.TypeDir, Mode: 0o1777},
	}
	if diff := cmp.Diff(want, contents(t, img)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Config.User != "65532:65532" || config.Config.WorkingDir != "/" {
		t.Errorf("runs on %q as user %q in %q", config.OS, config.Config.User, config.Config.WorkingDir)
	}
	if diff := cmp.Diff([]string{"/controller"}, config.Config.Entrypoint); diff != "" {
		t.Errorf("entry point (-want +got):\n%s", diff)
	}
}

func TestAnotherProgramIsInALayerOfItsOwn(t *testing.T) {
	t.Parallel()
	controller, err := Binary(program(t), "/controller", Unpacked)
	if err != nil {
		t.Fatal(err)
	}
	img, err := With(controller, program(t), "/kubectl-metallb", Unpacked)
	if err != nil {
		t.Fatal(err)
	}
	want := contents(t, controller)
	want["/kubectl-metallb"] = want["/controller"]
	if diff := cmp.Diff(want, contents(t, img)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) != 2 {
		t.Fatalf("layers: %v, %v", layers, err)
	}
	config, err := img.ConfigFile()
	if err != nil || !cmp.Equal([]string{"/controller"}, config.Config.Entrypoint) {
		t.Errorf("it runs %v, %v", config.Config.Entrypoint, err)
	}
}

func TestEqualImagesAreTheSame(t *testing.T) {
	t.Parallel()
	host := program(t)
	var digests [2]string
	for i := range digests {
		img, err := Binary(host, "/speaker", Unpacked)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests[i] = digest.String()
	}
	if digests[0] != digests[1] {
		t.Errorf("digests %s and %s", digests[0], digests[1])
	}
}

func TestASavedImageHasItsName(t *testing.T) {
	t.Parallel()
	img, err := Binary(program(t), "/pause", Unpacked)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	saved := filepath.Join(dir, "pause.tar")
	if err := Save(saved, "localhost/pause:1", img); err != nil {
		t.Fatal(err)
	}
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(saved) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"localhost/pause:1"}, manifest[0].RepoTags); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("files beside the image: %v", entries)
	}
}

func TestABadNameLeavesNoFile(t *testing.T) {
	t.Parallel()
	img, err := Binary(program(t), "/pause", Unpacked)
	if err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(t.TempDir(), "pause.tar")
	if err := Save(saved, "Not A Name", img); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(saved); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a file: %v", err)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	t.Parallel()
	_, err := Binary("/no/such/program", "/program", Unpacked)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/no/such/program is not on this machine") {
		t.Errorf("error %v does not name the file", err)
	}
}
