// SPDX-License-Identifier: Apache-2.0

package envtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/plugin/validate"
	"metallb.io/metallb/test/envtest"
)

var server envtest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// manifest is the spec of an object and what becomes of it.
type manifest struct {
	spec string
	// refused is why the API server refuses it, "field: message" each; empty if it accepts.
	refused []string
	// schemaOnly: the parser accepts it, since it cannot see what is wrong: an unknown field, or 0 where it means unset.
	schemaOnly bool
	// parserOnly is why the parser alone refuses it: what a schema cannot say.
	parserOnly string
}

// kind is what is the same for all manifests of a kind.
type kind struct {
	apiVersion, name string
	parse            func(map[string]any) (field.ErrorList, error)
}

// test applies each manifest to the API server, as kubectl does, parses it, and lets "kubectl metallb validate" read it: what
// one refuses the others do too.
func (k kind) test(t *testing.T, manifests map[string]manifest) {
	t.Helper()
	s := server.Get(t)
	for name, m := range manifests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			written := k.object(t, m.spec)
			applied := written.DeepCopy()
			err := s.Client.Create(t.Context(), applied, client.DryRunAll, client.FieldValidation("Strict"))
			if diff := cmp.Diff(m.refused, causes(t, err)); diff != "" {
				t.Errorf("refused by the API server (-want +got):\n%s", diff)
			}
			object := applied
			if err != nil {
				object = written
			} else if err := applyByServer(t.Context(), s.Client, written); err != nil {
				t.Errorf("server-side apply: %v", err)
			}
			errs, err := k.parse(object.Object)
			if refused := len(m.refused) > 0 && !m.schemaOnly || m.parserOnly != ""; refused != (len(errs) > 0 || err != nil) {
				t.Errorf("parsing: got errors %v, %v; want some: %t", errs, err, refused)
			}
			refused := len(m.refused) > 0 || m.parserOnly != ""
			if ok, findings := validated(t, written); ok == refused {
				t.Errorf("validating: got %t, want %t; findings:\n%s", ok, !refused, findings)
			}
			if m.parserOnly != "" && (len(errs) != 1 || errs[0].Error() != m.parserOnly) {
				t.Errorf("parsing: got %v, want %s", errs, m.parserOnly)
			}
		})
	}
}

// applyByServer tries what tools for GitOps do. Of any kind of object, fields that are null are dropped when it is created, and refused
// in a server-side apply.
func applyByServer(ctx context.Context, c client.Client, object *unstructured.Unstructured) error {
	object = object.DeepCopy()
	if spec, ok := object.Object["spec"].(map[string]any); ok {
		maps.DeleteFunc(spec, func(_ string, value any) bool { return value == nil })
	}
	return c.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.DryRunAll, client.FieldOwner("test"))
}

func (k kind) object(t *testing.T, spec string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{Object: map[string]any{}}
	if err := yaml.Unmarshal([]byte(spec), &u.Object); err != nil {
		t.Fatalf("manifest: %v", err)
	}
	u.SetAPIVersion(k.apiVersion)
	u.SetKind(k.name)
	u.SetNamespace(envtest.Namespace)
	u.SetName("example")
	return u
}

// validated returns whether "kubectl metallb validate" has nothing against the object, and what it says.
func validated(t *testing.T, object *unstructured.Unstructured) (ok bool, findings string) {
	t.Helper()
	text, err := object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	found, err := validate.Files([]string{"-"}, bytes.NewReader(text), envtest.Namespace, validate.World{})
	if err != nil {
		t.Fatal(err)
	}
	ok = true
	for _, f := range found {
		ok = ok && f.Warning
		findings += f.String() + "\n"
	}
	return ok, findings
}

// causes returns what the API server says of each field, in order.
func causes(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var status *apierrors.StatusError
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) {
		return []string{err.Error()}
	}
	var list []string
	for _, cause := range status.Status().Details.Causes {
		if cause.Type == metav1.CauseType("FieldValueInvalid") && strings.HasPrefix(cause.Message, "Invalid value: null") {
			continue // What says that some rules were not checked since others were broken.
		}
		list = append(list, cause.Field+": "+cause.Message)
	}
	slices.Sort(list)
	return list
}

func parser[T any](parse func(*T) field.ErrorList) func(map[string]any) (field.ErrorList, error) {
	return func(u map[string]any) (field.ErrorList, error) {
		// By way of text, as a client decodes it.
		text, err := json.Marshal(u)
		if err != nil {
			return nil, err
		}
		object := new(T)
		if err := json.Unmarshal(text, object); err != nil {
			return nil, err
		}
		return parse(object), nil
	}
}

func poolKind() kind {
	return kind{"metallb.io/v1beta1", "IPAddressPool", parser(func(o *v1beta1.IPAddressPool) field.ErrorList {
		_, errs := ipam.ParsePool(o)
		return errs
	})}
}

func advertisementKind() kind {
	return kind{"metallb.io/v1beta1", "BGPAdvertisement", parser(func(o *v1beta1.BGPAdvertisement) field.ErrorList {
		_, errs := bgp.ParseAdvertisement(o)
		return errs
	})}
}

func communityKind() kind {
	return kind{"metallb.io/v1beta1", "Community", parser(func(o *v1beta1.Community) field.ErrorList {
		_, errs := bgp.ParseCommunities(o)
		return errs
	})}
}

func profileKind() kind {
	return kind{"metallb.io/v1beta1", "BFDProfile", parser(func(o *v1beta1.BFDProfile) field.ErrorList {
		_, errs := bgp.ParseBFDProfile(o)
		return errs
	})}
}

func peerKind() kind {
	return kind{"metallb.io/v1beta2", "BGPPeer", parser(func(o *v1beta2.BGPPeer) field.ErrorList {
		_, errs := bgp.ParsePeer(o)
		return errs
	})}
}
