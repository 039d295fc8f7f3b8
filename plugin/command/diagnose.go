// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/internal/version"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/diagnosis"
	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/plugin/overview"
	"metallb.io/metallb/plugin/terminal"
)

const (
	archiveSuffix = ".tar.gz"
	// explained is how many services are explained at most. With the peers, it is at most twice as many objects.
	explained = 10
)

// diagnoseOptions are the flags of "diagnose".
type diagnoseOptions struct {
	file  string
	since time.Duration
}

func newDiagnose(e *environment) *cobra.Command {
	o := &diagnoseOptions{}
	c := &cobra.Command{
		Use:   "diagnose",
		Short: "Collect what the report of a problem needs into a file, without passwords",
		Long: `Collect what the report of a problem needs into a file: the configuration and the state of sessions, Nodes, labels of namespaces, Services of type
LoadBalancer with their EndpointSlices, events, workloads, logs and debug pages of controller and speakers, the webhook, and versions.

No Secret and no ConfigMap is read, and passwords in what is read are replaced by "(removed)". Names and addresses of your network stay: look through the
file before you send it. What you may not read is left out, and listed in errors.txt. For the debug pages you need the right to create pods/portforward.`,
		Example: `  kubectl metallb diagnose

  # Of the last ten minutes, into a file of your choice.
  kubectl metallb diagnose --since 10m -o problem.tar.gz`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context(), e) },
	}
	c.Flags().StringVarP(&o.file, "output", "o", "", "file to write, which must not exist (default metallb-diagnosis-TIME"+archiveSuffix+" in the current directory)")
	c.Flags().DurationVar(&o.since, "since", time.Hour, "how far back logs and events go")
	return c
}

func (o *diagnoseOptions) run(ctx context.Context, e *environment) error {
	if o.since <= 0 {
		return fmt.Errorf("--since=%s: must be more than 0, such as 1h", o.since)
	}
	now := e.now()
	if o.file == "" {
		o.file = "metallb-diagnosis-" + now.UTC().Format("20060102-150405") + archiveSuffix
	}
	collector, err := o.collector(ctx, e, now)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(o.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("--output=%s: the file exists already; remove it, or choose another", o.file)
	} else if err != nil {
		return err
	}
	report, err := collector.Collect(ctx, file, strings.TrimSuffix(filepath.Base(o.file), archiveSuffix))
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(o.file))
	}
	return o.tell(e, report)
}

// collector returns what collects. An API server that does not answer is an error: there is nothing to collect.
func (o *diagnoseOptions) collector(ctx context.Context, e *environment, now time.Time) (*diagnosis.Collector, error) {
	config, err := e.config()
	if err != nil {
		return nil, err
	}
	asked, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	server, err := asked.ServerVersion()
	if err != nil {
		return nil, err
	}
	reader, err := e.client()
	if err != nil {
		return nil, err
	}
	pods, err := diagnosis.NewLivePods(config)
	if err != nil {
		return nil, err
	}
	status, explanations := told(ctx, e, reader)
	return &diagnosis.Collector{
		Reader: reader, Pods: pods, Namespace: e.systemNamespace, Since: o.since, Now: now, Status: status, Explanations: explanations,
		Versions: fmt.Sprintf("kubectl-metallb: %s (%s)\nKubernetes: %s on %s\n", version.Version, version.Details(), server.GitVersion, server.Platform),
	}, nil
}

// told returns what other commands tell of the cluster: all of "status", and what "explain" says of the first services and peers with which something
// is wrong. If nothing can be told, the status says why.
func told(ctx context.Context, e *environment, reader client.Reader) (status, explanations string) {
	c, err := cluster.Read(ctx, reader, e.systemNamespace, e.now(), cluster.Configuration, cluster.Nodes, cluster.Namespaces, cluster.Services, cluster.Sessions, cluster.Workloads)
	if err != nil {
		return err.Error() + "\n", ""
	}
	all := overview.Of(c)
	var text, why strings.Builder
	_ = all.Print(&text, terminal.Palette{}, true) // A strings.Builder takes everything.
	for _, u := range c.Unread {
		fmt.Fprintf(&text, "%s left out: %v\n", u.Part, u.Err)
	}
	for _, chain := range wrong(ctx, c, reader, all) {
		_ = chain.Print(&why, terminal.Palette{})
		why.WriteString("\n")
	}
	return text.String(), why.String()
}

// wrong explains the first services and peers with which something is wrong.
func wrong(ctx context.Context, c *cluster.Cluster, reader client.Reader, all overview.Overview) []explain.Chain {
	var chains []explain.Chain
	for _, o := range all.Services.Troubled[:min(len(all.Services.Troubled), explained)] {
		key := types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
		if svc, found := c.Service(key); found && c.ReadSlices(ctx, reader, key) == nil {
			chains = append(chains, explain.Service(c, svc))
		}
	}
	for _, p := range all.Peers {
		if len(chains) < 2*explained && p.Established < p.Desired {
			if chain, found := explain.Peer(c, nil, p.Name); found {
				chains = append(chains, chain)
			}
		}
	}
	return chains
}

// tell says where the archive is, and what is in it.
func (o *diagnoseOptions) tell(e *environment, report diagnosis.Report) error {
	fmt.Fprintf(e.Out, "%s has the following, without Secrets, ConfigMaps and passwords:\n", o.file)
	t := terminal.NewTable()
	t.Indent = "  "
	for _, p := range report.Parts {
		t.Row(p.Name, fmt.Sprint(p.Count))
	}
	if _, err := t.WriteTo(e.Out); err != nil {
		return err
	}
	if n := len(report.Errors); n > 0 {
		fmt.Fprintf(e.Out, "%s %d could not be read, see errors.txt in it; the first: %s\n", e.palette.Mark(terminal.Doubtful), n, report.Errors[0])
	}
	_, err := fmt.Fprintln(e.Out, "Names and addresses of your network are in it. Look through it before you send it.")
	return err
}
