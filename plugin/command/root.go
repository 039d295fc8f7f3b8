// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/internal/scheme"
	"metallb.io/metallb/internal/version"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/terminal"
)

const systemNamespaceFlag = "system-namespace"

// environment is what every command works with.
type environment struct {
	genericiooptions.IOStreams
	getenv func(string) string
	// flags are kubectl's: which cluster, as whom, and the namespace of Services.
	flags *genericclioptions.ConfigFlags
	// systemNamespace is where the load balancer is.
	systemNamespace string
	color           string
	palette         terminal.Palette
	now             func() time.Time
}

// exitError ends the command with this status. If there is no error in it, everything has been said.
type exitError struct {
	status int
	error
}

func (e exitError) Error() string {
	if e.error == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.error.Error()
}

// somethingIsWrong is the end of a command that has found something that is wrong.
var somethingIsWrong = exitError{status: 1}

// Main runs the command line and returns the exit status: 0, or 1 if something is wrong with the load balancer, with the command or on its way.
// Commands that read files end with 2 if they cannot.
func Main(ctx context.Context, args []string, getenv func(string) string, streams genericiooptions.IOStreams) int {
	root := New(getenv, streams)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	exit := exitError{1, err}
	said := errors.As(err, &exit) && exit.error == nil
	if !said && ctx.Err() == nil { // Else somebody pressed Ctrl-C.
		fmt.Fprintln(streams.ErrOut, "error:", err)
	}
	return exit.status
}

// New returns the command line.
func New(getenv func(string) string, streams genericiooptions.IOStreams) *cobra.Command {
	return newRoot(&environment{IOStreams: streams, getenv: getenv, now: time.Now})
}

func newRoot(e *environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-metallb",
		Short: "Ask the load balancer how it fares, and why",
		Long: `Ask the load balancer how it fares, and why.

All answers come from the Kubernetes API, with your own rights. Nothing is changed, except by "drain" and "undrain".`,
		Version:       fmt.Sprintf("%s (%s)", version.Version, version.Details()),
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl metallb"},
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) (err error) {
			e.palette, err = terminal.NewPalette(e.color, e.Out, e.getenv)
			return err
		},
	}
	root.SetIn(e.In)
	root.SetOut(e.Out)
	root.SetErr(e.ErrOut)
	e.flags = genericclioptions.NewConfigFlags(true).WithDeprecatedPasswordFlag()
	e.flags.CacheDir = nil // Nothing is kept.
	e.flags.AddFlags(root.PersistentFlags())
	root.PersistentFlags().StringVar(&e.systemNamespace, systemNamespaceFlag, cluster.DefaultNamespace, "namespace of the load balancer and its configuration")
	root.PersistentFlags().StringVar(&e.color, "color", terminal.ColorAuto, "use colors: auto (on a terminal, unless NO_COLOR is set), always or never")
	root.AddCommand(newStatus(e), newExplain(e), newRoutes(e), newPools(e), newDashboard(e), newDrain(e), newUndrain(e), newDiagnose(e), newValidate(e), newMigrate(e))
	return root
}

// config returns how to reach the cluster.
func (e *environment) config() (*rest.Config, error) {
	config, err := e.flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	// Priority and fairness of the API server are all the rate limit there is.
	config.QPS = -1
	config.WarningHandlerWithContext = rest.NoWarnings{}
	config.UserAgent = "kubectl-metallb/" + version.Version
	return config, nil
}

// client returns a client of the cluster.
func (e *environment) client() (client.WithWatch, error) {
	config, err := e.config()
	if err != nil {
		return nil, err
	}
	types, err := scheme.New()
	if err != nil {
		return nil, err
	}
	return client.NewWithWatch(config, client.Options{Scheme: types})
}

// namespace returns the namespace of Services: that of the flag, or of the context.
func (e *environment) namespace() (string, error) {
	namespace, _, err := e.flags.ToRawKubeConfigLoader().Namespace()
	return namespace, err
}

// read reads the parts of the cluster, and says on standard error which of them the user may not read.
func (e *environment) read(ctx context.Context, reader client.Reader, parts ...cluster.Part) (*cluster.Cluster, error) {
	c, err := cluster.Read(ctx, reader, e.systemNamespace, e.now(), parts...)
	if err != nil {
		return nil, err
	}
	for _, u := range c.Unread {
		fmt.Fprintf(e.ErrOut, "warning: %s left out: %v\n", u.Part, u.Err)
	}
	return c, nil
}

// serviceName returns the name of a Service that is given as NAMESPACE/NAME, or as NAME in the namespace of the flag or the context; the zero
// name for nothing.
func (e *environment) serviceName(given string) (types.NamespacedName, error) {
	namespace, name, qualified := strings.Cut(given, "/")
	switch {
	case given == "":
		return types.NamespacedName{}, nil
	case qualified && (namespace == "" || name == "" || strings.Contains(name, "/")):
		return types.NamespacedName{}, fmt.Errorf("%q is not the name of a service: give NAME or NAMESPACE/NAME", given)
	case qualified:
		return types.NamespacedName{Namespace: namespace, Name: name}, nil
	}
	namespace, err := e.namespace()
	return types.NamespacedName{Namespace: namespace, Name: given}, err
}

// readForRoutes reads what routes are computed from. Without the pods of the load balancer, its settings are taken for the default ones; nothing
// else can be left out.
func (e *environment) readForRoutes(ctx context.Context, reader client.Reader) (*cluster.Cluster, error) {
	c, err := e.read(ctx, reader, cluster.Configuration, cluster.Nodes, cluster.Services, cluster.Endpoints, cluster.Sessions, cluster.Workloads)
	if err != nil {
		return nil, err
	}
	for _, u := range c.Unread {
		if u.Part != cluster.Workloads {
			return nil, fmt.Errorf("routes cannot be computed without %s: %w", u.Part, u.Err)
		}
	}
	return c, nil
}
