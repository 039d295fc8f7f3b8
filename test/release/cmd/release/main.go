// SPDX-License-Identifier: Apache-2.0

// Command release makes the files of a release from the source tree in the current directory. See the package release.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"metallb.io/metallb/test/image"
	"metallb.io/metallb/test/release"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

func run(ctx context.Context) error {
	options := release.Options{Source: ".", Progress: os.Stderr}
	flag.StringVar(&options.Version, "version", "", "`version` to release, such as v1.2.3")
	flag.StringVar(&options.Out, "out", "out/release", "`directory` of the files, which is made anew")
	flag.StringVar(&options.ImagePrefix, "image-prefix", "", "`start` of the images' names")
	flag.StringVar(&options.Repository, "repository", "", "`URL` of the public repository of the source")
	flag.StringVar(&options.SigningKey, "signing-key", "", "`file` of the private key to sign SHA256SUMS with")
	platforms := flag.String("platforms", "all", "`list` of the platforms to build for, such as linux/amd64")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q, see --help", flag.Arg(0))
	}
	var err error
	if options.Platforms, err = image.ParsePlatforms(*platforms); err != nil {
		return err
	}
	return release.Make(ctx, options)
}
