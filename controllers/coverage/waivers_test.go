// SPDX-License-Identifier: Apache-2.0

package coverage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/coverage"
	"metallb.io/metallb/test/builder"
)

func TestNothingIsLostByWhatIsAllowedAndDoneAtOnce(t *testing.T) {
	t.Parallel()
	plain, allowed := builder.MakeAdvertisement("every").Obj(), builder.MakeAdvertisement("every").AllowDisruption().Obj()
	narrowed := builder.MakeAdvertisement("every", "two").AllowDisruption().Obj()
	narrowed.Generation++
	forbidden := builder.MakeAdvertisement("every", "two").Obj()
	forbidden.Generation++
	recreated := builder.MakeAdvertisement("every", "two").Obj()
	recreated.UID = "another"
	relabelled := allowed.DeepCopy()
	relabelled.Labels = map[string]string{"a": "b"}
	for name, tc := range map[string]struct {
		// versions of the advertisement, one after the other; nil is none.
		versions []client.Object
		wantLoss bool
	}{
		"it is allowed, and deleted":                   {versions: []client.Object{plain, allowed, nil}},
		"it is allowed, narrowed and forbidden":        {versions: []client.Object{plain, narrowed, forbidden}},
		"it is narrowed, and allowed":                  {versions: []client.Object{plain, forbidden, narrowed}},
		"it is allowed, and narrowed as it is no more": {versions: []client.Object{allowed, forbidden}},
		"it is allowed, and another takes its place":   {versions: []client.Object{allowed, recreated}},
		"it is allowed, and relabelled":                {versions: []client.Object{allowed, relabelled, plain}},
		"it is deleted":                                {versions: []client.Object{plain, nil}, wantLoss: true},
		"it is forbidden, and deleted":                 {versions: []client.Object{allowed, plain, nil}, wantLoss: true},
		"it is narrowed":                               {versions: []client.Object{plain, forbidden}, wantLoss: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c coverage.Coverage
			bare := setting{onePool(), router()}.objects()
			before := bare
			before.Advertisements = []v1beta1.BGPAdvertisement{*plain}
			c.Configure(before, nil, web(), nil)
			var w coverage.Waivers
			for i, after := range tc.versions[1:] {
				w.Note(tc.versions[i], after)
			}
			c.Configure(bare, nil, web(), w.Take())
			if got := c.Any(); got != tc.wantLoss {
				t.Errorf("loss: %v", got)
			}
			if left := w.Take(); len(left) > 0 {
				t.Errorf("waived still: %v", left)
			}
		})
	}
}

func TestAPoolMayHaveGivenTheAddressThatIsWaived(t *testing.T) {
	t.Parallel()
	var c coverage.Coverage
	var w coverage.Waivers
	whole := setting{onePool(), router(), adv(builder.MakeAdvertisement("one", "one"))}
	c.Configure(whole.objects(), nil, web(), nil)
	w.Note(builder.MakePool("one").AllowDisruption().Obj(), nil)
	renamed := setting{(*pool)(builder.MakePool("new", "198.51.100.0/24")), router(), adv(builder.MakeAdvertisement("one", "one"))}
	c.Configure(renamed.objects(), nil, web(), w.Take())
	if c.Any() {
		t.Error("the deletion was allowed, and something is lost by it")
	}
}

func TestAPoolThatIsAskedForWhileNothingIsKnownIsWokenThoughItIsNotSeenYet(t *testing.T) {
	t.Parallel()
	var c coverage.Coverage
	for range 2 {
		if _, known := c.Claims("new"); known {
			t.Fatal("something is known before there is a configuration")
		}
	}
	if diff := cmp.Diff([]string{"new"}, c.Configure(config.Objects{}, nil, nil, nil)); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	if woken := c.Configure(config.Objects{}, nil, nil, nil); len(woken) > 0 {
		t.Errorf("woken again: %v", woken)
	}
}

func TestWhatCannotHavePartInARouteIsNotWaived(t *testing.T) {
	t.Parallel()
	var w coverage.Waivers
	c := builder.MakeCommunity("c").Obj()
	metav1.SetMetaDataAnnotation(&c.ObjectMeta, v1beta1.AnnotationAllowDisruption, "true")
	w.Note(c, nil)
	if got := w.Take(); len(got) > 0 {
		t.Errorf("waived: %v", got)
	}
}
