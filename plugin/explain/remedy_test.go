// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/plugin/terminal"
)

func TestLabelsThatASelectorWantsAreChangedAsLittleAsPossible(t *testing.T) {
	t.Parallel()
	one := func(key string, operator metav1.LabelSelectorOperator, values ...string) metav1.LabelSelectorRequirement {
		return metav1.LabelSelectorRequirement{Key: key, Operator: operator, Values: values}
	}
	has := labels.Set{"tier": "gold", "old": "yes", "kubernetes.io/hostname": "node-1"}
	tests := map[string]struct {
		selectors []metav1.LabelSelector
		want      []string
	}{
		"a label is missing":            {[]metav1.LabelSelector{{MatchLabels: map[string]string{"app": "web", "tier": "gold"}}}, []string{"app=web"}},
		"a label has another value":     {[]metav1.LabelSelector{{MatchLabels: map[string]string{"tier": "lead"}}}, []string{"tier=lead"}},
		"one of several values":         {[]metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{one("app", metav1.LabelSelectorOpIn, "b", "a")}}}, []string{"app=a"}},
		"any value":                     {[]metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{one("app", metav1.LabelSelectorOpExists)}}}, []string{"app="}},
		"none":                          {[]metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{one("old", metav1.LabelSelectorOpDoesNotExist)}}}, []string{"old-"}},
		"none of several":               {[]metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{one("old", metav1.LabelSelectorOpNotIn, "yes")}}}, []string{"old-"}},
		"the selector that is nearest":  {[]metav1.LabelSelector{{MatchLabels: map[string]string{"a": "1", "b": "2"}}, {MatchLabels: map[string]string{"c": "3"}}}, []string{"c=3"}},
		"a selector contradicts itself": {[]metav1.LabelSelector{{MatchLabels: map[string]string{"a": "1"}, MatchExpressions: []metav1.LabelSelectorRequirement{one("a", metav1.LabelSelectorOpDoesNotExist)}}}, nil},
		"no selector":                   {nil, nil},
		"the name of a node":            {[]metav1.LabelSelector{{MatchLabels: map[string]string{"kubernetes.io/hostname": "node-2"}}}, nil},
		"the system of a node":          {[]metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{one("kubernetes.io/os", metav1.LabelSelectorOpIn, "linux")}}}, nil},
		"no node with a name":           {[]metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{one("kubernetes.io/hostname", metav1.LabelSelectorOpNotIn, "node-1")}}}, nil},
		"the name of a namespace, or a label": {
			[]metav1.LabelSelector{{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "shop"}}, {MatchLabels: map[string]string{"a": "1", "b": "2"}}}, []string{"a=1", "b=2"},
		},
	}
	for name, tc := range tests {
		if diff := cmp.Diff(tc.want, relabeled(tc.selectors, has)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAShellReadsACommandAsItIsMeant(t *testing.T) {
	t.Parallel()
	got := command("kubectl", "annotate", "a=b c", "it's", "", "plain-1.2/3:4,5")
	if want := `kubectl annotate 'a=b c' 'it'\''s' '' plain-1.2/3:4,5`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	got = terminal.Plain(command("echo", "it's\na\\b\t\u00a0"))
	if want := `echo $'it\'s\na\\b\t\u00a0'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
