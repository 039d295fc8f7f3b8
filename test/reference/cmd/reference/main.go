// SPDX-License-Identifier: Apache-2.0

// Command reference prints the page on the commands of the plugin of kubectl. See the package reference.
package main

import (
	"fmt"
	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"metallb.io/metallb/plugin/command"
	"metallb.io/metallb/test/reference"
)

func main() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	fmt.Print(reference.Page(command.New(os.Getenv, streams)))
}
