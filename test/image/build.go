// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"metallb.io/metallb/test/programs"
)

// versionPackage has the variables that are stamped into programs.
const versionPackage = "metallb.io/metallb/internal/version"

// mains are the packages of the project's programs, by image.
func mains() map[string]string {
	return map[string]string{
		ControllerImage: "metallb.io/metallb/controllers",
		SpeakerImage:    "metallb.io/metallb/speaker",
		RouterImage:     "metallb.io/metallb/test/router",
	}
}

// programFile is where a program is put.
func programFile(dir, which string, p Platform) string {
	return filepath.Join(dir, which+"-"+p.Suffix())
}

// buildPrograms builds the static programs of the images into dir.
func (o Options) buildPrograms(ctx context.Context, dir string) error {
	for _, which := range o.Only {
		for _, p := range o.platformsOf(which) {
			start := time.Now()
			if err := o.build(ctx, which, p, programFile(dir, which, p)); err != nil {
				return err
			}
			fmt.Fprintf(o.Progress, "built %s for %s (%.1f s)\n", which, p, time.Since(start).Seconds())
		}
	}
	return nil
}

// build builds one static program, from the source tree in the current directory. The same source makes the same program,
// wherever it is.
func (o Options) build(ctx context.Context, which string, p Platform, file string) error {
	flags := "-X " + versionPackage + ".Version=" + o.Version
	if o.Revision != "" {
		flags += " -X " + versionPackage + ".revision=" + o.Revision
	}
	if err := programs.Build(ctx, programs.Options{LinkerFlags: flags, Environment: p.environment()}, file, mains()[which]); err != nil {
		return fmt.Errorf("building %s for %s: %w", which, p, err)
	}
	return nil
}

// Binaries builds the programs of controller and speaker for all platforms into the directory Out, each in a file such as
// controller-linux-arm-v7, and returns the files.
func Binaries(ctx context.Context, o Options) ([]string, error) {
	o = o.complete()
	if o.Revision == "" {
		o.Revision = sourceRevision(ctx)
	}
	var files []string
	for _, which := range []string{ControllerImage, SpeakerImage} {
		for _, p := range o.Platforms {
			file := programFile(o.Out, which, p)
			if err := o.build(ctx, which, p, file); err != nil {
				return nil, err
			}
			fmt.Fprintf(o.Progress, "built %s\n", file)
			files = append(files, file)
		}
	}
	return files, nil
}

// sourceRevision returns the revision of the source tree in the current directory, as programs are stamped with it; empty if
// that is not known.
func sourceRevision(ctx context.Context) string {
	revision, err := programs.Run(ctx, "", "git", "rev-parse", "HEAD")
	if err != nil {
		return ""
	}
	revision = strings.TrimSpace(revision)
	if changes, err := programs.Run(ctx, "", "git", "status", "--porcelain"); err != nil || changes != "" {
		revision += "-dirty"
	}
	return revision
}
