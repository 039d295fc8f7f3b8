// SPDX-License-Identifier: Apache-2.0

// Command conformance makes docs/conformance.md of what tests have seen, or checks that it is that.
package main

import (
	"flag"
	"fmt"
	"os"

	"metallb.io/metallb/test/conformance"
)

func main() {
	seen := flag.String("seen", "", "file that the tests have written (environment "+conformance.FileVariable+")")
	page := flag.String("page", "docs/conformance.md", "page to write")
	check := flag.Bool("check", false, "write nothing, and fail if the page differs")
	flag.Parse()
	if err := run(*seen, *page, *check); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(seen, page string, check bool) error {
	f, err := os.Open(seen)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	cells, err := conformance.Read(f)
	if err != nil {
		return fmt.Errorf("%s: %w", seen, err)
	}
	want := conformance.Page(cells)
	if !check {
		return os.WriteFile(page, []byte(want), 0o644)
	}
	if is, err := os.ReadFile(page); err != nil || string(is) != want {
		return fmt.Errorf("%s is not what the tests have seen: run make conformance", page)
	}
	return nil
}
