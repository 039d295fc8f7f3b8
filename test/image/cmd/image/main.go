// SPDX-License-Identifier: Apache-2.0

// Command image makes the container images of this source tree without a container engine. See the package image.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"metallb.io/metallb/test/image"
)

const usage = `usage: image all [FLAGS] | image NAME... [FLAGS]

Writes NAME.tar for each image named, or for all: controller, speaker, router, nginx.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

func run(ctx context.Context, args []string) error {
	options := image.Options{Progress: os.Stderr}
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&options.Out, "out", "out/images", "write the tars to this `directory`")
	flags.StringVar(&options.Prefix, "prefix", image.DefaultPrefix, "`start` of the images' names")
	flags.StringVar(&options.Tag, "tag", "dev", "`tag` of the images")
	platforms := flags.String("platforms", "", "`list` of the platforms to make controller and speaker for, such as linux/amd64,linux/arm/v7, or all; this machine's if empty")
	flags.BoolVar(&options.Push, "push", false, "push the images to the registry that their names begin with, too")
	flags.BoolVar(&options.Local, "local", false, "make images for this machine alone, which unpacks them at once: they are not compressed")
	flags.StringVar(&options.Version, "version", "", "`version` that the programs report; the tag if empty")
	flags.Usage = func() {
		fmt.Fprint(os.Stderr, usage)
		flags.PrintDefaults()
	}
	names := args
	if i := slices.IndexFunc(args, func(arg string) bool { return len(arg) > 0 && arg[0] == '-' }); i >= 0 {
		names = args[:i]
	}
	if err := flags.Parse(args[len(names):]); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("put the name %q before the flags", flags.Arg(0))
	}
	if *platforms != "" {
		var err error
		if options.Platforms, err = image.ParsePlatforms(*platforms); err != nil {
			return err
		}
	}
	switch {
	case len(names) == 0:
		flags.Usage()
		return errors.New("no image named")
	case len(names) > 1 || names[0] != "all":
		options.Only = names
	}
	_, err := image.All(ctx, options)
	return err
}
