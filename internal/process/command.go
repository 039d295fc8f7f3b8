// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Command is what a program does instead of running if its first argument is the command's name: it reads, writes and ends
// by itself.
type Command struct {
	Name string
	// Arguments follow the name in the help, such as "-f FILE".
	Arguments string
	// Purpose is what the command does, in a sentence, and Details the rest of what its help says, in lines.
	Purpose, Details string
	// Variables are those of the environment that the command reads.
	Variables []Variable
	// Register adds the command's flags.
	Register func(flags *flag.FlagSet)
	// Run runs the command, and reports whether it found nothing to object to: if it did, the exit status is 1. The error is
	// for what keeps it from its work, and goes to standard error in one line; the exit status is then 2.
	Run func(ctx context.Context, call Call) (ok bool, err error)
}

// Call is what a command is called with.
type Call struct {
	// Args are the arguments that are not flags.
	Args []string
	// Namespace of the configuration.
	Namespace      string
	Getenv         func(string) string
	Stdout, Stderr io.Writer
}

// main runs the command with the arguments that follow its name, and returns the exit status.
func (c *Command) main(ctx context.Context, program string, args []string, call Call) int {
	flags := c.flags()
	rest, err := parseMixed(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		c.help(program, call.Stdout)
		return exitSuccess
	}
	ok := true
	if err != nil {
		err = fmt.Errorf("%w; see --help", err)
	} else {
		call.Args = rest
		call.Namespace, err = namespaceFrom(call.Getenv)
	}
	if err == nil {
		// A signal ends it at once, even while it waits for its input: there is nothing to put away.
		signal.Reset()
		ok, err = c.Run(ctx, call)
	}
	switch {
	case err != nil:
		fmt.Fprintf(call.Stderr, "%s %s: %s\n", program, c.Name, strings.ReplaceAll(err.Error(), "\n", " "))
		return exitUsage
	case !ok:
		return exitFailure
	}
	return exitSuccess
}

func (c *Command) flags() *flag.FlagSet {
	flags := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	c.Register(flags)
	return flags
}

// parseMixed parses flags that other arguments may come before, and returns these. After "--" none is a flag.
func parseMixed(flags *flag.FlagSet, args []string) ([]string, error) {
	var others []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		left := flags.Args()
		if len(left) == 0 {
			return others, nil
		}
		if parsed := len(args) - len(left); parsed > 0 && args[parsed-1] == "--" {
			return append(others, left...), nil
		}
		others, args = append(others, left[0]), left[1:]
	}
}

// help writes what the command is for and all that can be set.
func (c *Command) help(program string, w io.Writer) {
	fmt.Fprintf(w, "Usage: %s %s %s\n\n%s\n\n%s\n\nFlags:\n", program, c.Name, c.Arguments, c.Purpose, c.Details)
	writeFlags(w, c.flags(), func(string) string { return "" })
	writeVariables(w, append(c.Variables, namespaceUsage()))
}

// ReadKubeconfig returns how to reach the cluster of a kubeconfig file, or of several, separated as in a PATH.
func ReadKubeconfig(kubeconfig string) (*rest.Config, error) {
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: filepath.SplitList(kubeconfig)}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, explainKubeconfig(kubeconfig, err)
	}
	// Priority and fairness of the API server are all the rate limit there is.
	config.QPS = -1
	identify(config, "command")
	return config, nil
}

// explainKubeconfig says what is wrong with a kubeconfig file.
func explainKubeconfig(kubeconfig string, err error) error {
	if clientcmd.IsEmptyConfig(err) {
		return fmt.Errorf("%s=%s: no such file, or no cluster in it", kubeconfigVariable, kubeconfig)
	}
	return fmt.Errorf("%s=%s: %w", kubeconfigVariable, kubeconfig, err)
}

// namespaceFrom returns the namespace of the configuration.
func namespaceFrom(getenv func(string) string) (string, error) {
	namespace := getenv(namespaceVariable)
	if namespace == "" {
		namespace = ownNamespace()
	}
	return namespace, checkNamespace(namespaceVariable, namespace)
}

// checkNamespace refuses what is not a namespace, by the name of the setting.
func checkNamespace(setting, namespace string) error {
	if len(validation.IsDNS1123Label(namespace)) > 0 {
		return fmt.Errorf("%s=%s: is not the name of a namespace such as %s", setting, namespace, defaultNamespace)
	}
	return nil
}
