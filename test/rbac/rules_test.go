// SPDX-License-Identifier: Apache-2.0

package rbac

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"metallb.io/metallb/test/envtest"
)

func TestRulesAreHeldToCalls(t *testing.T) {
	t.Parallel()
	everywhere := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"nodes", "secrets"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"admissionregistration.k8s.io"}, Resources: []string{"hooks"}, ResourceNames: []string{"ours"}, Verbs: []string{"update"}},
	}
	for name, tc := range map[string]struct {
		namespace                       string
		calls                           []envtest.Call
		wantUnused, wantWide, wantStops []string
	}{
		"nothing is asked for": {
			namespace:  envtest.Namespace,
			wantUnused: []string{`r: get nodes`, `r: list nodes`, `r: get secrets`, `r: list secrets`, `r: update hooks.admissionregistration.k8s.io "ours"`},
		},
		"all is asked for": {
			calls: []envtest.Call{
				{Verb: "get", Resource: "nodes", Name: "a"}, {Verb: "list", Resource: "nodes"}, {Verb: "get", Resource: "secrets", Namespace: "x"},
				{Verb: "list", Resource: "secrets"}, {Verb: "update", Group: "admissionregistration.k8s.io", Resource: "hooks", Name: "ours"},
			},
		},
		"what is asked for is all in one namespace, and of other names": {
			calls: []envtest.Call{
				{Verb: "get", Resource: "nodes"}, {Verb: "list", Resource: "nodes"}, {Verb: "get", Resource: "secrets", Namespace: "metallb-system"},
				{Verb: "list", Resource: "secrets"}, {Verb: "update", Group: "admissionregistration.k8s.io", Resource: "hooks", Name: "others"},
			},
			wantUnused: []string{`r: update hooks.admissionregistration.k8s.io "ours"`},
			wantWide:   []string{`r: get secrets`, `r: update hooks.admissionregistration.k8s.io "ours"`},
		},
		"what is asked for is in other namespaces": {
			namespace:  "metallb-system",
			calls:      []envtest.Call{{Verb: "get", Resource: "secrets", Namespace: "default", Status: 403, Path: "/there"}, {Verb: "get", Path: "/other", Status: 401}},
			wantUnused: []string{`r: get nodes`, `r: list nodes`, `r: get secrets`, `r: list secrets`, `r: update hooks.admissionregistration.k8s.io "ours"`},
			wantStops:  []string{"401: get /other", "403: get /there"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			grants := grantsOf("r", tc.namespace, everywhere)
			if diff := cmp.Diff(tc.wantUnused, unused(grants, tc.calls)); diff != "" {
				t.Errorf("unused (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantWide, wide(grants, tc.calls)); diff != "" {
				t.Errorf("wide (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantStops, refused(tc.calls)); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}
