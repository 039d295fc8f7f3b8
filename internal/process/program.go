// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/internal/version"
)

// The exit statuses of a program.
const (
	exitSuccess = 0
	exitFailure = 1
	// exitUsage is for settings that are wrong.
	exitUsage = 2
)

// Options are the settings that only one program has.
type Options interface {
	// Register adds their flags.
	Register(flags *flag.FlagSet)
	// Complete reads the environment and checks the settings, also beside those that all programs have. The error is one
	// line that names the setting, its value and what to write instead.
	Complete(common *Settings, getenv func(string) string) error
}

// Variable is a variable of the environment.
type Variable struct{ Name, Usage string }

// Program is what one program is beyond what they have in common.
type Program struct {
	// Name is that of the binary.
	Name string
	// Purpose is what the program does, in a sentence.
	Purpose string
	// Options are the program's own settings, and Variables those of the environment that they are read from.
	Options   Options
	Variables []Variable
	// Moved are commands that earlier versions of the program had, by their names: what to run instead.
	Moved map[string]string
	// Environ is the whole environment, as pairs name=value, to look for settings that are misspelt; that of the process if nil.
	Environ []string
	// DebugAddress is where the debug endpoint is, unless another address is set; empty for nowhere.
	DebugAddress string
	// Run runs the program until the context, which carries the log, has ended.
	Run func(ctx context.Context, config *rest.Config, settings *Settings) error
}

// Main runs the program until the context has ended, and returns its exit status.
func (p *Program) Main(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if p.Environ == nil {
		p.Environ = os.Environ()
	}
	settings, err := p.parse(args, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		p.help(stdout)
		return exitSuccess
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		return exitUsage
	case settings.version:
		fmt.Fprintf(stdout, "%s %s (%s)\n", p.Name, version.Version, version.Details())
		return exitSuccess
	}
	config, err := clusterConfig(getenv, p.Name)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		return exitUsage
	}
	logger, end := settings.diagnose(ctx, stderr, getenv)
	defer end()
	logger.Info("starting", "program", p.Name, "version", version.Version, "namespace", settings.Namespace,
		"settings", settings.given)
	if len(settings.strangers) > 0 {
		logger.Info("ignoring variables of the environment that are no settings of this program", "variables", settings.strangers)
	}
	if err := p.run(logr.NewContext(ctx, logger), config, settings); err != nil {
		logger.Error(err, "stopping because of an error")
		return exitFailure
	}
	logger.Info("stopped")
	return exitSuccess
}

func (p *Program) run(ctx context.Context, config *rest.Config, settings *Settings) error {
	if err := registerBuildInfo(); err != nil {
		return err
	}
	return p.Run(ctx, config, settings)
}

// clusterConfig returns how to reach the cluster.
func clusterConfig(getenv func(string) string, program string) (*rest.Config, error) {
	config, err := ctrl.GetConfig()
	kubeconfig := getenv(kubeconfigVariable)
	switch {
	case err == nil:
		// Priority and fairness of the API server are all the rate limit there is.
		config.QPS = -1
		// The API server compresses every event of a watch that begins with a list, one by one. In a cluster, processors are
		// scarcer than bandwidth.
		config.DisableCompression = true
		identify(config, program)
		return config, nil
	case kubeconfig != "":
		return nil, explainKubeconfig(kubeconfig, err)
	case clientcmd.IsEmptyConfig(err):
		return nil, fmt.Errorf("no Kubernetes cluster: run in a pod, or set %s to a kubeconfig file", kubeconfigVariable)
	}
	return nil, fmt.Errorf("no Kubernetes cluster: %w", err)
}

// explainKubeconfig says what is wrong with a kubeconfig file.
func explainKubeconfig(kubeconfig string, err error) error {
	if clientcmd.IsEmptyConfig(err) {
		return fmt.Errorf("%s=%s: no such file, or no cluster in it", kubeconfigVariable, kubeconfig)
	}
	return fmt.Errorf("%s=%s: %w", kubeconfigVariable, kubeconfig, err)
}

// parse reads the settings from flags and environment. The error is flag.ErrHelp if help is asked for.
func (p *Program) parse(args []string, getenv func(string) string) (*Settings, error) {
	settings := &Settings{}
	flags := p.flags(settings)
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil, err
	} else if err != nil {
		return nil, explain(err, flags)
	}
	if flags.NArg() > 0 {
		return nil, p.unexpected(flags.Arg(0))
	}
	if settings.version {
		return settings, nil
	}
	var err error
	if settings.strangers, err = p.stray(flags); err != nil {
		return nil, err
	}
	read, err := readFlags(flags, getenv)
	if err != nil {
		return nil, err
	}
	if err := p.complete(settings, getenv); err != nil {
		return nil, named(err, read)
	}
	settings.given = p.given(flags, read, getenv)
	return settings, nil
}

// complete looks for settings that are wrong or contradict each other.
func (p *Program) complete(settings *Settings, getenv func(string) string) error {
	if err := settings.complete(); err != nil {
		return err
	}
	return p.Options.Complete(settings, getenv)
}

// unexpected says what can be written in place of an argument that means nothing.
func (p *Program) unexpected(arg string) error {
	if instead := p.Moved[arg]; instead != "" {
		return fmt.Errorf("%q is not a command of this program any more; run %s", arg, instead)
	}
	return fmt.Errorf("unexpected argument %q: settings are flags, see --help", arg)
}

// flags returns all flags of the program. It does not print anything itself.
func (p *Program) flags(settings *Settings) *flag.FlagSet {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	settings.register(flags)
	settings.registerDiagnostics(flags, p.DebugAddress)
	p.Options.Register(flags)
	return flags
}

// given returns what was set differently from the default.
func (p *Program) given(flags *flag.FlagSet, read map[string]bool, getenv func(string) string) map[string]string {
	found := map[string]string{}
	flags.Visit(func(f *flag.Flag) {
		name := "--" + f.Name
		if read[f.Name] {
			name = variableOf(f.Name)
		}
		found[name] = f.Value.String()
	})
	for _, v := range p.variables() {
		if value := getenv(v.Name); value != "" {
			found[v.Name] = value
		}
	}
	return found
}
