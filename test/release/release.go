// SPDX-License-Identifier: Apache-2.0

package release

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"metallb.io/metallb/test/image"
	"metallb.io/metallb/test/programs"
)

// What files of a release are called that others refer to.
const (
	sums       = "SHA256SUMS"
	provenance = "provenance.json"
)

// DefaultRepository stands for the public repository of the source where none is given. Chart.yaml has it.
const DefaultRepository = "https://git.example.com/platform/metallb"

// Options say what release is to be made.
type Options struct {
	Source      string // directory of the source tree, which must be the current one
	Out         string // directory of the files; it is made anew
	Version     string // such as v1.2.3
	ImagePrefix string // of the images' names; that of the source tree if empty
	Repository  string // URL of the source's public repository; DefaultRepository if empty
	SigningKey  string // file of the private key that SHA256SUMS is signed with; not signed if empty
	Platforms   []image.Platform
	Progress    io.Writer
}

// Make makes all files of a release, or none: Out appears when they are complete.
func Make(ctx context.Context, o Options) (err error) {
	notes, err := o.check(ctx)
	if err != nil {
		return err
	}
	o.ImagePrefix = cmp.Or(o.ImagePrefix, image.DefaultPrefix)
	o.Repository = cmp.Or(o.Repository, DefaultRepository)
	key, err := signingKey(o.SigningKey)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(filepath.Dir(o.Out), ".release-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	if err := os.WriteFile(filepath.Join(scratch, "RELEASE_NOTES.md"), []byte(notes), 0o644); err != nil {
		return err
	}
	for _, step := range []func(context.Context, string) error{o.manifests, o.chart, o.chartArtifact, o.programs, o.sbom, o.plugin, o.images, o.provenance, checksums} {
		if err := step(ctx, scratch); err != nil {
			return err
		}
	}
	if err := sign(scratch, key); err != nil {
		return err
	}
	if err := os.Chmod(scratch, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(o.Out); err != nil {
		return err
	}
	return os.Rename(scratch, o.Out)
}

// manifests writes metallb.yaml with the images of the release.
func (o Options) manifests(_ context.Context, out string) error {
	text, err := os.ReadFile(filepath.Join(o.Source, "config", "manifests", "metallb.yaml"))
	if err != nil {
		return err
	}
	stamped := string(text)
	for _, which := range []string{image.ControllerImage, image.SpeakerImage} {
		before := "image: " + image.DefaultPrefix + which + ":" + image.DefaultTag
		if !strings.Contains(stamped, before) {
			return fmt.Errorf("config/manifests/metallb.yaml has no %q", before)
		}
		stamped = strings.ReplaceAll(stamped, before, "image: "+o.ImagePrefix+which+":"+o.Version)
	}
	return os.WriteFile(filepath.Join(out, "metallb.yaml"), []byte(stamped), 0o644)
}

// chart writes the chart's package. Its values name the images of the release.
func (o Options) chart(ctx context.Context, out string) error {
	helm, err := programs.Find("helm")
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "release-chart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	copied := filepath.Join(scratch, "metallb")
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(o.Source, "charts", "metallb"))); err != nil {
		return err
	}
	if err := errors.Join(o.stampPrefix(copied), o.stampRepository(copied)); err != nil {
		return err
	}
	_, err = programs.Run(ctx, o.Source, helm, "package", copied, "--version", o.number(), "--app-version", o.Version, "--destination", out)
	if err != nil {
		return fmt.Errorf("packing the chart: %w", err)
	}
	return nil
}

// stampPrefix writes how the release's images are called wherever the chart has how those of the source tree are.
func (o Options) stampPrefix(chart string) error {
	for name, format := range map[string]string{
		"values.yaml": "imagePrefix: %s\n", "files/defaults.yaml": "imagePrefix: %s\n", "README.md": "| `imagePrefix` | `%q` |",
	} {
		file := filepath.Join(chart, name)
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		before, after := fmt.Sprintf(format, image.DefaultPrefix), fmt.Sprintf(format, o.ImagePrefix)
		if !strings.Contains(string(text), before) {
			return fmt.Errorf("charts/metallb/%s has no %q", name, before)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), before, after, 1)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// stampRepository writes where the source is into the chart's metadata.
func (o Options) stampRepository(chart string) error {
	file := filepath.Join(chart, "Chart.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines := strings.SplitAfter(string(text), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "# A placeholder") })
	return os.WriteFile(file, []byte(strings.ReplaceAll(strings.Join(lines, ""), DefaultRepository, o.Repository)), 0o644)
}

func (o Options) imageOptions(out string) image.Options {
	return image.Options{
		Out: out, Prefix: o.ImagePrefix, Tag: o.Version, Version: o.Version, Platforms: o.Platforms, Progress: o.Progress,
	}
}

// programs writes those of controller and speaker for every platform.
func (o Options) programs(ctx context.Context, out string) error {
	_, err := image.Binaries(ctx, o.imageOptions(out))
	return err
}

// images writes the images of controller and speaker for every platform, and that of the test router for this one.
func (o Options) images(ctx context.Context, out string) error {
	options := o.imageOptions(filepath.Join(out, "images"))
	options.Only = []string{image.ControllerImage, image.SpeakerImage, image.RouterImage}
	_, err := image.All(ctx, options)
	return err
}
