// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Names of the images that All makes, and of their files without .tar.
const (
	ControllerImage = "controller"
	SpeakerImage    = "speaker"
	RouterImage     = "router"
	NginxImage      = "nginx"
)

// Options say what images All is to make.
type Options struct {
	Out      string    // directory of the tars
	Prefix   string    // of names: localhost/metallb- if empty
	Tag      string    // of names: dev if empty
	Version  string    // that the programs report; the tag if empty
	Cache    string    // directory of downloaded packages; DefaultCache if empty
	Progress io.Writer // is told what happens, in lines; nil for nothing
	Only     []string  // images to make, such as ControllerImage; all if empty
}

// DefaultCache returns where downloaded packages are kept.
func DefaultCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "metallb-images")
}

// mains are the packages of the project's programs, by image.
func mains() map[string]string {
	return map[string]string{
		ControllerImage: "metallb.io/metallb/controllers",
		SpeakerImage:    "metallb.io/metallb/speaker",
		RouterImage:     "metallb.io/metallb/test/router",
	}
}

// All builds the project's programs from the source tree in the current directory, makes the images of controller, speaker
// and test router, and that of nginx for the tutorial, and returns their tars. The test router's has BIRD and FRR of this
// machine in it.
func All(ctx context.Context, o Options) ([]string, error) {
	o = o.complete()
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "images-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	if err := o.buildPrograms(ctx, scratch); err != nil {
		return nil, err
	}
	var tars []string
	for _, which := range o.Only {
		start := time.Now()
		img, err := o.make(ctx, which, filepath.Join(scratch, which))
		if err != nil {
			return nil, fmt.Errorf("making the image of %s: %w", which, err)
		}
		tar := filepath.Join(o.Out, which+".tar")
		if err := Save(tar, o.ref(which), img); err != nil {
			return nil, fmt.Errorf("making the image of %s: %w", which, err)
		}
		fmt.Fprintf(o.Progress, "image %s: %s (%.1f s)\n", o.ref(which), tar, time.Since(start).Seconds())
		tars = append(tars, tar)
	}
	return tars, nil
}

// complete fills in defaults.
func (o Options) complete() Options {
	defaults := func(value *string, other string) {
		if *value == "" {
			*value = other
		}
	}
	defaults(&o.Out, ".")
	defaults(&o.Prefix, "localhost/metallb-")
	defaults(&o.Tag, "dev")
	defaults(&o.Version, o.Tag)
	defaults(&o.Cache, DefaultCache())
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if len(o.Only) == 0 {
		o.Only = []string{ControllerImage, SpeakerImage, RouterImage, NginxImage}
	}
	return o
}

// check refuses images that there are not.
func (o Options) check() error {
	for _, which := range o.Only {
		if _, known := mains()[which]; !known && which != NginxImage {
			return fmt.Errorf("no image is called %q", which)
		}
	}
	return nil
}

// ref is the full name of an image.
func (o Options) ref(which string) string {
	if which == NginxImage {
		return NginxName
	}
	return o.Prefix + which + ":" + o.Tag
}

// buildPrograms builds the static programs of the images into dir, each under the name of its image.
func (o Options) buildPrograms(ctx context.Context, dir string) error {
	for _, which := range o.Only {
		main, ok := mains()[which]
		if !ok {
			continue
		}
		start := time.Now()
		args := []string{
			"build", "-trimpath", "-ldflags", "-s -w -X metallb.io/metallb/api/version.Version=" + o.Version,
			"-o", filepath.Join(dir, which), main,
		}
		if _, err := output(ctx, "", "env", slices.Concat([]string{"CGO_ENABLED=0", "GOOS=linux", "go"}, args)...); err != nil {
			return fmt.Errorf("building %s: %w", which, err)
		}
		fmt.Fprintf(o.Progress, "built %s (%.1f s)\n", which, time.Since(start).Seconds())
	}
	return nil
}

// make makes one image from its program.
func (o Options) make(ctx context.Context, which, program string) (v1.Image, error) {
	switch which {
	case RouterImage:
		return Router(Host{}, program)
	case NginxImage:
		return Nginx(ctx, o.Cache)
	default:
		return Binary(program, "/"+which)
	}
}
