// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The names of an image in a layout: for tools that follow the OCI image specification, and for containerd.
const (
	annotationRefName    = "org.opencontainers.image.ref.name"
	annotationContainerd = "io.containerd.image.name"
)

// Variant is an image for one platform.
type Variant struct {
	Platform Platform
	Image    v1.Image
}

// SaveIndex writes the images of several platforms under one name to a tar with an OCI image layout, complete or not at all.
// Registries take it from skopeo, crane or oras, nodes from ctr images import.
func SaveIndex(tarFile, ref string, variants []Variant) error {
	tag, err := name.NewTag(ref, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("naming the image: %w", err)
	}
	names := map[string]string{annotationRefName: tag.TagStr(), annotationContainerd: tag.Name()}
	return saveLayout(tarFile, func(path layout.Path) error {
		return path.AppendIndex(indexOf(variants), layout.WithAnnotations(names))
	})
}

// SaveArtifact writes something that is no image of a program, such as a chart, to a tar with an OCI image layout under a tag,
// complete or not at all.
func SaveArtifact(tarFile, tag string, artifact v1.Image) error {
	return saveLayout(tarFile, func(path layout.Path) error {
		return path.AppendImage(artifact, layout.WithAnnotations(map[string]string{annotationRefName: tag}))
	})
}

// saveLayout writes a tar with the OCI image layout that is filled.
func saveLayout(tarFile string, fill func(layout.Path) error) error {
	dir, err := os.MkdirTemp(filepath.Dir(tarFile), ".layout-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("writing the layout of %s: %w", tarFile, err)
	}
	if err := fill(path); err != nil {
		return fmt.Errorf("writing the layout of %s: %w", tarFile, err)
	}
	return replace(tarFile, func(w io.Writer) error { return writeDirectory(w, dir) })
}

// indexOf returns the images of several platforms as one.
func indexOf(variants []Variant) v1.ImageIndex {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, variant := range variants {
		image := mutate.ConfigMediaType(mutate.MediaType(variant.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: variant.Platform.descriptor()},
		})
	}
	return index
}

// writeDirectory writes the files below a directory to a tar. Equal files make equal tars: nothing has a time.
func writeDirectory(w io.Writer, dir string) error {
	writer := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == dir {
			return err
		}
		relative, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return writer.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: relative + "/", Mode: 0o755})
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := writer.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: relative, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err = writer.Write(content)
		return err
	})
	if err != nil {
		return err
	}
	return writer.Close()
}

// replace writes a file, complete or not at all.
func replace(file string, write func(io.Writer) error) error {
	scratch, err := os.CreateTemp(filepath.Dir(file), ".image-")
	if err != nil {
		return err
	}
	defer os.Remove(scratch.Name())
	defer scratch.Close()
	if err := write(scratch); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	if err := scratch.Chmod(0o644); err != nil {
		return err
	}
	if err := scratch.Close(); err != nil {
		return err
	}
	return os.Rename(scratch.Name(), file)
}
