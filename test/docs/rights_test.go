// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

func TestEveryRightIsDocumented(t *testing.T) {
	t.Parallel()
	d, err := Read(root, "docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	for program, heading := range map[string]string{"controller": "Rights of the controller", "speaker": "Rights of the speaker"} {
		rows, err := d.Table(heading)
		if err != nil {
			t.Fatal(err)
		}
		var documented []string
		for _, row := range rows {
			for resource := range strings.SplitSeq(strings.ReplaceAll(row[0], "`", ""), ", ") {
				documented = append(documented, resource+": "+row[1]+", "+strings.ReplaceAll(row[2], "`", ""))
			}
		}
		slices.Sort(documented)
		if diff := cmp.Diff(documented, rights(t, program)); diff != "" {
			t.Errorf("docs/security.md and config/rbac/%s_role.yaml differ (-page +role):\n%s", program, diff)
		}
	}
}

// rights returns what the program may do, each as "resource: verbs, where: names".
func rights(t *testing.T, program string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "config", "rbac", program+"_role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		// A Role has the same rules.
		role := &rbacv1.ClusterRole{}
		if err := yaml.UnmarshalStrict([]byte(strings.TrimPrefix(document, "---\n")), role); err != nil {
			t.Fatal(err)
		}
		where := "cluster"
		if role.Kind == "Role" {
			where = "namespace"
		}
		for _, rule := range role.Rules {
			names := ""
			if len(rule.ResourceNames) > 0 {
				names = ": " + strings.Join(rule.ResourceNames, ", ")
			}
			for _, resource := range rule.Resources {
				found = append(found, resource+": "+strings.Join(rule.Verbs, ", ")+", "+where+names)
			}
		}
	}
	slices.Sort(found)
	return found
}
