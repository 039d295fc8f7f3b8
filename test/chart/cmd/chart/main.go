// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"

	"metallb.io/metallb/test/chart"
	"metallb.io/metallb/test/programs"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run writes the files into the source tree in the current directory.
func run(ctx context.Context) error {
	kubectl, err := programs.Find("kubectl")
	if err != nil {
		return err
	}
	files, err := chart.Generate(ctx, ".", kubectl)
	if err != nil {
		return err
	}
	return chart.Write(".", files)
}
