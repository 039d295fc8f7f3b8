// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package command_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/builder"
)

const svcFile = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: first}
spec: {type: LoadBalancer, ports: [{port: 80}]}
`

func TestPoolsAreShown(t *testing.T) {
	s := empty(t)
	create(t, s, builder.MakePool("pool", "198.51.100.0/30").Obj(), builder.MakePool("other", "192.0.2.0/31").Obj(), builder.MakeService("first").Holds("pool", "198.51.100.1").Obj())
	tests := map[string]struct {
		args []string
		want result
	}{
		"one by name": {[]string{"pools", "pool"}, result{out: `pool  auto-assigned
  IPv4   █████░░░░░░░░░░░░░░░   1 used, 3 free
  198.51.100.0/30  a cell is 1 address
    198.51.100.0   ·█··
  ADDRESS        SERVICES        NOTE
  198.51.100.1   default/first

· free   █ used
`}},
		"names":        {[]string{"pools", "-o", "name"}, result{out: "ipaddresspool.metallb.io/other\nipaddresspool.metallb.io/pool\n"}},
		"without":      {[]string{"pools", "poll"}, result{err: "error: IPAddressPool \"poll\" not found; did you mean \"pool\"?\n", status: 1}},
		"a format":     {[]string{"pools", "-o", "svg"}, result{err: "error: --output=svg: must be one of wide, json, yaml, name\n", status: 1}},
		"a stray file": {[]string{"pools", "-f", "-"}, result{err: "error: --filename is for --for: add --for to learn what the Services in the file would be given\n", status: 1}},
		"for nothing":  {[]string{"pools", "--for"}, result{err: "error: which Services? Name their file with --filename\n", status: 1}},
		"completion":   {[]string{"__complete", "pools", ""}, result{out: "other\npool\n:4\n", err: "Completion ended with directive: ShellCompDirectiveNoFileComp\n"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, ask(t, s, svcFile, tc.args...), cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := ask(t, s, "", "pools", "-o", "json"); got.status != 0 || !strings.Contains(got.out, `"address": "198.51.100.1"`) {
		t.Errorf("as JSON: %+v", got)
	}
}

func TestWhatServicesOfAFileWouldBeGivenIsTold(t *testing.T) {
	s := empty(t)
	create(t, s, builder.MakePool("pool", "198.51.100.0/31").Obj(), builder.MakeService("first").Holds("pool", "198.51.100.1").Obj())
	want := result{out: `default/web
  ✓ 198.51.100.0 from pool pool: the first free address of the first pool that can serve the service
default/first
  ✓ 198.51.100.1 from pool pool: the service holds it already, and keeps it
`}
	if diff := cmp.Diff(want, ask(t, s, svcFile, "pools", "--for", "-f", "-"), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := s.Client.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "web"}, &corev1.Service{}); client.IgnoreNotFound(err) != nil || err == nil {
		t.Errorf("the Service is there: %v", err)
	}
	third := strings.ReplaceAll(svcFile, "name: first", "name: third")
	if got := ask(t, s, third, "pools", "--for", "-f", "-"); got.status != 1 || !strings.Contains(got.out, "✗ no IPv4 address available: pool \"pool\" is exhausted") {
		t.Errorf("one too many: %+v", got)
	}
}
