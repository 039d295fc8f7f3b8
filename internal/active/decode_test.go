// SPDX-License-Identifier: Apache-2.0

package active_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
)

// Two ActiveConfigurations of one object would leave it open which is used.
func TestAnActiveConfigurationIsReadOnlyUnderTheNameOfItsObject(t *testing.T) {
	t.Parallel()
	made, err := active.Make(&v1beta1.IPAddressPool{
		ObjectMeta: metav1.ObjectMeta{Namespace: "metallb-system", Name: "gold"}, Spec: v1beta1.IPAddressPoolSpec{Addresses: []string{"198.51.100.0/24"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	other := made.DeepCopy()
	other.Name = "gold"
	objects, err := active.Decode([]v1beta1.ActiveConfiguration{*other, *made})
	if err == nil || !strings.Contains(err.Error(), `ActiveConfiguration "gold": metadata.name: must be "ipaddresspool.gold"`) {
		t.Errorf("error %v", err)
	}
	if len(objects.Pools) != 1 {
		t.Errorf("%d pools", len(objects.Pools))
	}
}

func TestAnyNameOfAnObjectMakesANameOfAnActiveConfiguration(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, name := range []string{"rack", strings.Repeat("a", 253), strings.Repeat("a", 252) + "b", strings.Repeat("a.", 126) + "a"} {
		got := active.Key{Kind: active.KindBGPAdvertisement, Name: name}.ObjectName()
		if problems := validation.IsDNS1123Subdomain(got); len(problems) > 0 {
			t.Errorf("%s: %v", got, problems)
		}
		if other, taken := seen[got]; taken {
			t.Errorf("%s and %s have one name", other, name)
		}
		seen[got] = name
	}
}
