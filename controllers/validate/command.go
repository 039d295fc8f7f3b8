// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"

	"metallb.io/metallb/internal/process"
)

const details = `A FILE is a file of YAML or JSON with any number of objects, a directory of them (*.yaml, *.yml and *.json, not those of
directories in it), or - for standard input. IPAddressPools, BGPPeers, BGPAdvertisements and Communities are checked, each
by itself and beside the others; what other API groups have is passed over.

If KUBECONFIG is set, the cluster's configuration and services are read, the files are taken as applied to it, and what
would take an address or a route from a service is found too. Nothing is written.

Each finding is a line on standard output:
  FILE:LINE: IPAddressPool metallb-system/example: spec.addresses[0]: Invalid value: ...
LINE is where the object begins; a finding that is legal but suspicious begins with "warning: ".

The exit status is 0 if there are no findings but warnings, 1 if there are, 2 if something could not be read.`

// kubeconfig is the variable of the environment that names the cluster.
const kubeconfig = "KUBECONFIG"

// NewCommand returns the command, which reads "-" from stdin.
func NewCommand(stdin io.Reader) *process.Command {
	var files []string
	class := ""
	return &process.Command{
		Name:      "validate",
		Arguments: "-f FILE...",
		Purpose:   "Checks manifests before you apply them.",
		Details:   details,
		Variables: []process.Variable{{
			Name:  kubeconfig,
			Usage: "kubeconfig file for the cluster to check against; if unset, the files are checked by themselves",
		}},
		Register: func(flags *flag.FlagSet) {
			flags.Func("f", "check this `FILE`; may be given several times, or once with several files", func(name string) error {
				files = append(files, name)
				return nil
			})
			flags.StringVar(&class, "lb-class", "", "`class` (spec.loadBalancerClass) of the services to look at; the same as the controller's flag")
		},
		Run: func(ctx context.Context, call process.Call) (bool, error) {
			return run(ctx, call, request{slices.Concat(files, call.Args), class, stdin})
		},
	}
}

// request is what the command is asked for.
type request struct {
	files []string
	class string
	stdin io.Reader
}

func run(ctx context.Context, call process.Call, r request) (bool, error) {
	if len(r.files) == 0 {
		return false, errors.New("no files; give them with -f, or - for standard input; see --help")
	}
	documents, err := read(r.files, r.stdin)
	if err != nil {
		return false, err
	}
	at := cluster{}
	if path := call.Getenv(kubeconfig); path != "" {
		if at, err = readCluster(ctx, path, call.Namespace, r.class); err != nil {
			return false, err
		}
	}
	findings, err := check(call.Namespace, documents, at)
	if err != nil {
		return false, err
	}
	ok := true
	for _, f := range findings {
		ok = ok && f.warning
		if _, err := fmt.Fprintln(call.Stdout, f); err != nil {
			return false, fmt.Errorf("writing the findings: %w", err)
		}
	}
	return ok, nil
}
