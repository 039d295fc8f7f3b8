// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"metallb.io/metallb/test/chart"
	"metallb.io/metallb/test/image"
	"metallb.io/metallb/test/programs"
)

// developed is how manifests in the source tree name images.
const (
	developedPrefix = "localhost/metallb-"
	developedTag    = ":dev"
)

const sums = "SHA256SUMS"

// Options say what release is to be made.
type Options struct {
	Source      string // directory of the source tree, which must be the current one
	Out         string // directory of the files; it is made anew
	Version     string // such as v1.2.3
	ImagePrefix string // of the images' names; that of the source tree if empty
	Platforms   []image.Platform
	Progress    io.Writer
}

// Make makes all files of a release, or none: Out appears when they are complete.
func Make(ctx context.Context, o Options) (err error) {
	notes, err := o.check(ctx)
	if err != nil {
		return err
	}
	if o.ImagePrefix == "" {
		o.ImagePrefix = developedPrefix
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
	for _, step := range []func(context.Context, string) error{o.manifests, o.chart, o.programs, o.images} {
		if err := step(ctx, scratch); err != nil {
			return err
		}
	}
	if err := checksums(scratch); err != nil {
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
		before := "image: " + developedPrefix + which + developedTag
		if !strings.Contains(stamped, before) {
			return fmt.Errorf("config/manifests/metallb.yaml has no %q", before)
		}
		stamped = strings.ReplaceAll(stamped, before, "image: "+o.ImagePrefix+which+":"+o.Version)
	}
	return os.WriteFile(filepath.Join(out, "metallb.yaml"), []byte(stamped), 0o644)
}

// chart writes the chart's package. Its values name the images of the release.
func (o Options) chart(ctx context.Context, out string) error {
	helm, err := chart.Program("helm")
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
	if err := o.stampPrefix(copied); err != nil {
		return err
	}
	number := strings.TrimPrefix(o.Version, "v")
	_, err = programs.Run(ctx, o.Source, helm, "package", copied, "--version", number, "--app-version", o.Version, "--destination", out)
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
		before, after := fmt.Sprintf(format, developedPrefix), fmt.Sprintf(format, o.ImagePrefix)
		if !strings.Contains(string(text), before) {
			return fmt.Errorf("charts/metallb/%s has no %q", name, before)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), before, after, 1)), 0o644); err != nil {
			return err
		}
	}
	return nil
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

// checksums writes SHA256SUMS, as sha256sum --check reads it.
func checksums(out string) error {
	var text strings.Builder
	err := filepath.WalkDir(out, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.Open(file)
		if err != nil {
			return err
		}
		defer content.Close()
		hash := sha256.New()
		if _, err := io.Copy(hash, content); err != nil {
			return err
		}
		name, err := filepath.Rel(out, file)
		fmt.Fprintf(&text, "%s  %s\n", hex.EncodeToString(hash.Sum(nil)), name)
		return err
	})
	if err != nil {
		return fmt.Errorf("summing up: %w", err)
	}
	return os.WriteFile(filepath.Join(out, sums), []byte(text.String()), 0o644)
}
