// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/process"
)

func environment(pairs map[string]string) func(string) string {
	return func(key string) string { return pairs[key] }
}

func TestTheNodesNameIsAllThatIsNeeded(t *testing.T) {
	t.Parallel()
	const kubeProxy = "http://127.0.0.1:10256/healthz"
	defaults := func(change func(*options)) options {
		o := options{
			node: "node-1", drain: time.Second, nodeHealthzURL: kubeProxy, proxyTimeout: time.Minute, drainDelay: 10 * time.Second,
			drainTaints: "node.kubernetes.io/out-of-service,ToBeDeletedByClusterAutoscaler",
			drainRules:  drain.Rules{Taints: []string{"node.kubernetes.io/out-of-service", "ToBeDeletedByClusterAutoscaler"}},
		}
		change(&o)
		return o
	}
	for name, tc := range map[string]struct {
		args []string
		pod  string
		want options
	}{
		"in a pod":        {pod: "speaker-x2x4z", want: defaults(func(o *options) { o.pod = "speaker-x2x4z" })},
		"alone":           {want: defaults(func(*options) {})},
		"with a delay":    {args: []string{"--shutdown-delay=2m"}, want: defaults(func(o *options) { o.drain = 2 * time.Minute })},
		"without a delay": {args: []string{"--shutdown-delay=0"}, want: defaults(func(o *options) { o.drain = 0 })},
		"with another proxy": {
			args: []string{"--node-healthz-url=http://[::1]:9099/readiness"}, want: defaults(func(o *options) { o.nodeHealthzURL = "http://[::1]:9099/readiness" }),
		},
		"without a proxy to ask":             {args: []string{"--node-healthz-url="}, want: defaults(func(o *options) { o.nodeHealthzURL = "" })},
		"without one, as a variable says it": {args: []string{"--node-healthz-url=0"}, want: defaults(func(o *options) { o.nodeHealthzURL = "" })},
		"with a proxy that may fail":         {args: []string{"--proxy-timeout=0"}, want: defaults(func(o *options) { o.proxyTimeout = 0 })},
		"with other taints": {
			args: []string{"--drain-taints=example.com/off, maintenance", "--drain-delay=1m"},
			want: defaults(func(o *options) {
				o.drainTaints, o.drainRules.Taints, o.drainDelay = "example.com/off, maintenance", []string{"example.com/off", "maintenance"}, time.Minute
			}),
		},
		"without taints, but where it counts that the node is cordoned": {
			args: []string{"--drain-taints=", "--drain-unschedulable"},
			want: defaults(func(o *options) { o.drainTaints, o.drainRules = "", drain.Rules{Unschedulable: true} }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got options
			flags := flag.NewFlagSet("speaker", flag.ContinueOnError)
			got.Register(flags)
			if err := flags.Parse(tc.args); err != nil {
				t.Fatal(err)
			}
			if err := got.Complete(&process.Settings{}, environment(map[string]string{"METALLB_NODE_NAME": "node-1", "METALLB_POD_NAME": tc.pod})); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(options{})); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongSettingsAreRefusedInOneLine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		node string
		want string
	}{
		"no node":                    {want: "speaker: METALLB_NODE_NAME is not set: set it to the name of the Node that the speaker runs on (in a pod, from spec.nodeName)\n"},
		"a node that is none":        {node: "node_1", want: "speaker: METALLB_NODE_NAME=node_1: is not the name of a Node, see kubectl get nodes\n"},
		"a negative delay":           {args: []string{"--shutdown-delay=-1s"}, node: "node-1", want: "speaker: --shutdown-delay=-1s: must be 0 or more\n"},
		"a negative delay of drains": {args: []string{"--drain-delay=-1s"}, node: "node-1", want: "speaker: --drain-delay=-1s: must be 0 or more\n"},
		"a taint that is none": {
			args: []string{"--drain-taints=a,b:NoSchedule"}, node: "node-1",
			want: `speaker: --drain-taints=a,b:NoSchedule: "b:NoSchedule" is not the key of a taint, such as example.com/maintenance; give it without value and effect` + "\n",
		},
		"a URL without a scheme": {
			args: []string{"--node-healthz-url=127.0.0.1:10256"}, node: "node-1",
			want: "speaker: --node-healthz-url=127.0.0.1:10256: must be a URL such as http://127.0.0.1:10256/healthz\n",
		},
		"a URL of another scheme": {
			args: []string{"--node-healthz-url=https://127.0.0.1:10256"}, node: "node-1",
			want: "speaker: --node-healthz-url=https://127.0.0.1:10256: must be a URL such as http://127.0.0.1:10256/healthz\n",
		},
		"a flag of another binary": {args: []string{"--leader-elect"}, node: "node-1", want: "speaker: flag provided but not defined: -leader-elect; see --help\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			status := newProgram().Main(t.Context(), tc.args, environment(map[string]string{"METALLB_NODE_NAME": tc.node}), &stdout, &stderr)
			if diff := cmp.Diff(tc.want, stderr.String()); diff != "" || status != 2 || stdout.Len() > 0 {
				t.Errorf("exit status %d, want 2; stdout %q, stderr (-want +got):\n%s", status, stdout.String(), diff)
			}
		})
	}
}

func TestNothingIsAskedWithoutAURL(t *testing.T) {
	t.Parallel()
	if (&options{}).probe(nil) != nil || (&options{nodeHealthzURL: "http://127.0.0.1:10256/healthz"}).probe(nil) == nil {
		t.Error("the service proxy is asked if and only if there is no URL")
	}
}
