// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta1"
)

func TestAnObjectHasChangedIfItMeansSomethingElse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*v1beta1.IPAddressPool)
		want bool
	}{
		"its spec":              {func(p *v1beta1.IPAddressPool) { p.Generation++ }, true},
		"its labels":            {func(p *v1beta1.IPAddressPool) { p.Labels = map[string]string{"zone": "b"} }, true},
		"another object":        {func(p *v1beta1.IPAddressPool) { p.UID = "another" }, true},
		"the override":          {func(p *v1beta1.IPAddressPool) { p.Annotations = allow("true") }, true},
		"no override":           {func(p *v1beta1.IPAddressPool) { p.Annotations = allow("no") }, false},
		"its status":            {func(p *v1beta1.IPAddressPool) { p.Status.AssignedIPv4++ }, false},
		"nothing that is known": {func(p *v1beta1.IPAddressPool) { p.ResourceVersion = "2" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was := &v1beta1.IPAddressPool{}
			was.UID, was.Labels = "one", map[string]string{"zone": "a"}
			is := was.DeepCopy()
			tc.edit(is)
			if got := changed(event.UpdateEvent{ObjectOld: was, ObjectNew: is}); got != tc.want {
				t.Errorf("changed: %v", got)
			}
		})
	}
}

func allow(value string) map[string]string {
	return map[string]string{v1beta1.AnnotationAllowDisruption: value}
}
