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

// PluginProgram is the name of the plugin of kubectl.
const PluginProgram = "kubectl-metallb"

// mains are the packages of the project's programs. An image is called as the first of its programs.
func mains() map[string]string {
	return map[string]string{
		ControllerImage: "metallb.io/metallb/controllers",
		SpeakerImage:    "metallb.io/metallb/speaker",
		RouterImage:     "metallb.io/metallb/test/router",
		NginxImage:      "metallb.io/metallb/test/nginx",
		PluginProgram:   "metallb.io/metallb/plugin",
	}
}

// programsOf returns the programs of an image, the one that it runs first. That of the controller has the plugin too, for pipelines that
// have no kubectl.
func programsOf(which string) []string {
	if which == ControllerImage {
		return []string{ControllerImage, PluginProgram}
	}
	return []string{which}
}

// programFile is where a program is put.
func programFile(dir, which string, p Platform) string {
	return filepath.Join(dir, which+"-"+p.Suffix())
}

// buildPrograms builds the static programs of the images into dir.
func (o Options) buildPrograms(ctx context.Context, dir string) error {
	for _, which := range o.Only {
		for _, p := range o.platformsOf(which) {
			for _, program := range programsOf(which) {
				start := time.Now()
				if err := o.build(ctx, program, p.environment(), programFile(dir, program, p)); err != nil {
					return fmt.Errorf("building %s for %s: %w", program, p, err)
				}
				fmt.Fprintf(o.Progress, "built %s for %s (%.1f s)\n", program, p, time.Since(start).Seconds())
			}
		}
	}
	return nil
}

// build builds one static program, from the source tree in the current directory. The same source makes the same program,
// wherever it is. The environment says what it is to run on.
func (o Options) build(ctx context.Context, program string, environment []string, file string) error {
	flags := "-X " + versionPackage + ".Version=" + o.Version
	if o.Revision != "" {
		flags += " -X " + versionPackage + ".revision=" + o.Revision
	}
	return programs.Build(ctx, programs.Options{LinkerFlags: flags, Environment: environment}, file, mains()[program])
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
			if err := o.build(ctx, which, p.environment(), file); err != nil {
				return nil, fmt.Errorf("building %s for %s: %w", which, p, err)
			}
			fmt.Fprintf(o.Progress, "built %s\n", file)
			files = append(files, file)
		}
	}
	return files, nil
}

// Plugin builds the plugin of kubectl for an operating system and an architecture, as Go calls them, into the file.
func Plugin(ctx context.Context, o Options, system, architecture, file string) error {
	o = o.complete()
	if o.Revision == "" {
		o.Revision = sourceRevision(ctx)
	}
	if err := o.build(ctx, PluginProgram, []string{"GOOS=" + system, "GOARCH=" + architecture}, file); err != nil {
		return fmt.Errorf("building %s for %s/%s: %w", PluginProgram, system, architecture, err)
	}
	fmt.Fprintf(o.Progress, "built %s\n", file)
	return nil
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
