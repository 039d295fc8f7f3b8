// SPDX-License-Identifier: Apache-2.0

package image

import (
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// nonRoot is the user of images that need no privileges.
const nonRoot = 65532

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Binary returns an image of one static program, which it runs at path as user 65532. Besides it there are but
// /etc/passwd, /etc/group and /tmp.
func Binary(file, path string, level Level) (v1.Image, error) {
	tree := NewTree(level)
	tree.AddUser(User{Name: "nonroot", ID: nonRoot, Home: "/"})
	tree.AddFile(file, path, 0o755)
	return tree.Image(binaryConfig(path))
}

// With returns the image with one more static program, in a layer of its own: it is pulled beside the others, and not again if nothing else
// of the image changes.
func With(img v1.Image, file, path string, level Level) (v1.Image, error) {
	tree := &Tree{level: level, entries: map[string]entry{}}
	tree.AddFile(file, path, 0o755)
	layer, err := tree.layer()
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(img, layer)
}

// binaryConfig runs a program without any privilege.
func binaryConfig(path string) v1.Config {
	return v1.Config{User: fmt.Sprintf("%d:%[1]d", nonRoot), Entrypoint: []string{path}}
}

// Image returns an image of one layer, the tree, with a configuration, for the platform of this machine.
func (t *Tree) Image(config v1.Config) (v1.Image, error) {
	t.AddText("/etc/passwd", t.passwd())
	t.AddText("/etc/group", t.groupText())
	layer, err := t.layer()
	if err != nil {
		return nil, err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, fmt.Errorf("adding the layer: %w", err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	p := HostPlatform()
	file.OS, file.Architecture, file.Variant, file.Config = "linux", p.Architecture, p.Variant, config
	file.Config.Env = append(file.Config.Env, defaultPath)
	if file.Config.WorkingDir == "" {
		file.Config.WorkingDir = "/"
	}
	return mutate.ConfigFile(img, file)
}

// describe returns the image for another platform, with labels.
func describe(img v1.Image, p Platform, labels map[string]string) (v1.Image, error) {
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.Architecture, file.Variant, file.Config.Labels = p.Architecture, p.Variant, labels
	return mutate.ConfigFile(img, file)
}

// Save writes an image under a name such as localhost/pause:1 to a tar in the format of docker save, complete or not at all.
func Save(tar, ref string, img v1.Image) error {
	tag, err := name.NewTag(ref, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("naming the image: %w", err)
	}
	return replace(tar, func(w io.Writer) error { return tarball.Write(tag, img, w) })
}
