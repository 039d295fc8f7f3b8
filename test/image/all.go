// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"metallb.io/metallb/test/programs"
)

// Names of the images that All makes, and of their files without .tar.
const (
	ControllerImage = "controller"
	SpeakerImage    = "speaker"
	RouterImage     = "router"
	NginxImage      = "nginx"
)

// NginxName is what the image of nginx is called: the name of the public image that the tutorial uses elsewhere. It is never pushed.
const NginxName = "docker.io/library/nginx:1"

// What images are called that are not of a release: the names of the chart's values and of the manifests.
const (
	DefaultPrefix = "localhost/metallb-"
	DefaultTag    = "dev"
)

// Options say what images All is to make.
type Options struct {
	Out      string    // directory of the tars
	Prefix   string    // of names: DefaultPrefix if empty
	Tag      string    // of names: DefaultTag if empty
	Version  string    // that the programs report; the tag if empty
	Revision string    // of the source; that of the current directory if empty
	Cache    string    // directory of programs built; programs.Cache if empty
	Progress io.Writer // is told what happens, in lines; nil for nothing
	Only     []string  // images to make, such as ControllerImage; all if empty
	Push     bool      // to the registry that their names begin with, too
	Local    bool      // for this machine alone, which unpacks them at once: layers are not compressed
	// Platforms that controller and speaker are made for; HostPlatform if empty. Those of several are in one tar.
	Platforms []Platform
}

// All builds the project's programs from the source tree in the current directory, makes the images of controller, speaker
// and test router, and one that stands in for nginx in the tutorial, and returns their tars. The test router's has BIRD and FRR of
// this machine in it.
func All(ctx context.Context, o Options) ([]string, error) {
	o = o.complete()
	if o.Revision == "" {
		o.Revision = sourceRevision(ctx)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, err
	}
	// Programs are kept, and not linked again while they are up to date.
	built := filepath.Join(o.Cache, "programs")
	if err := os.MkdirAll(built, 0o755); err != nil {
		return nil, err
	}
	unlock, err := programs.Lock(ctx, filepath.Join(built, ".lock"), func() {
		fmt.Fprintln(o.Progress, "waiting for other images to be made")
	})
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := o.buildPrograms(ctx, built); err != nil {
		return nil, err
	}
	var tars []string
	for _, which := range o.Only {
		start := time.Now()
		tar := filepath.Join(o.Out, which+".tar")
		if err := o.save(ctx, which, built, tar); err != nil {
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
	defaults(&o.Prefix, DefaultPrefix)
	defaults(&o.Tag, DefaultTag)
	defaults(&o.Version, o.Tag)
	defaults(&o.Cache, programs.Cache())
	if len(o.Platforms) == 0 {
		o.Platforms = []Platform{HostPlatform()}
	}
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
		if _, known := mains()[which]; !known || which == PluginProgram {
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

// platformsOf returns the platforms to make an image for. The test router has programs of this machine in it.
func (o Options) platformsOf(which string) []Platform {
	if which == RouterImage {
		return []Platform{HostPlatform()}
	}
	return o.Platforms
}

// save makes one image and writes it.
func (o Options) save(ctx context.Context, which, programs, tar string) error {
	var variants []Variant
	for _, p := range o.platformsOf(which) {
		img, err := o.make(which, programs, p)
		if err != nil {
			return err
		}
		variants = append(variants, Variant{p, img})
	}
	save := SaveIndex
	if len(variants) == 1 {
		save = func(tar, ref string, variants []Variant) error { return Save(tar, ref, variants[0].Image) }
	}
	if err := save(tar, o.ref(which), variants); err != nil || !o.Push || which == NginxImage {
		return err
	}
	return push(ctx, o.ref(which), variants)
}

func (o Options) level() Level {
	if o.Local {
		return Unpacked
	}
	return Pulled
}

// make makes one image of the product for one platform from its programs in the directory.
func (o Options) make(which, dir string, p Platform) (v1.Image, error) {
	var img v1.Image
	var err error
	if file := programFile(dir, which, p); which == RouterImage {
		img, err = Router(file, o.level())
	} else {
		img, err = Binary(file, "/"+which, o.level())
	}
	for _, other := range programsOf(which)[1:] {
		if err == nil {
			img, err = With(img, programFile(dir, other, p), "/"+other, o.level())
		}
	}
	if err != nil {
		return nil, err
	}
	return describe(img, p, labels(which, o.Version, o.Revision))
}
