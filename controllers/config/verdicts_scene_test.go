// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
)

const namespace = "metallb-system"

// scene is a configuration and what it is used for. It is written in YAML, one line for each thing:
//
//	pool a: {addresses: [198.51.100.0/24], labels: {tier: gold}}
//	advertisement all: {}
//	peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}
//	community c: {communities: [{name: blue, value: "64512:1"}]}
//	profile fast: {transmitInterval: 50}
//	service default/web: {holds: [198.51.100.0], from: [a], requests: a, labels: {app: web}}
//	namespace shop: {labels: {team: red}}
//	node n1: {labels: {rack: a}, addresses: [172.30.0.1]}
//
// An object has the fields of its spec, and labels, annotations, namespace, disruption (allowed if true) and deleting of its metadata.
type scene struct {
	objects    config.Objects
	byKey      map[string]config.Object
	holdings   holdings
	namespaces map[string]labels.Set
	nodes      []config.Node
}

func parseScene(tb testing.TB, text string) *scene {
	tb.Helper()
	s := &scene{byKey: map[string]config.Object{}, namespaces: map[string]labels.Set{}}
	// Go indents with tabs, which YAML does not know.
	data, err := yaml.YAMLToJSONStrict([]byte(strings.ReplaceAll(text, "\t", "")))
	if err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	things := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &things); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	for _, key := range slices.Sorted(maps.Keys(things)) {
		if err := s.add(key, things[key]); err != nil {
			tb.Fatalf("%s: %v", key, err)
		}
	}
	return s
}

func (s *scene) add(key string, value []byte) error {
	kind, name, _ := strings.Cut(key, " ")
	switch kind {
	case "service":
		return s.addService(name, value)
	case "namespace":
		return s.addNamespace(name, value)
	case "node":
		n := config.Node{Name: name}
		err := decode(value, &n)
		s.nodes = append(s.nodes, n)
		return err
	}
	var o config.Object
	var err error
	switch kind {
	case "pool":
		o, err = addObject(&s.objects.Pools, &v1beta1.IPAddressPool{}, func(o *v1beta1.IPAddressPool) any { return &o.Spec }, name, value)
	case "peer":
		o, err = addObject(&s.objects.Peers, &v1beta2.BGPPeer{}, func(o *v1beta2.BGPPeer) any { return &o.Spec }, name, value)
	case "advertisement":
		o, err = addObject(&s.objects.Advertisements, &v1beta1.BGPAdvertisement{}, func(o *v1beta1.BGPAdvertisement) any { return &o.Spec }, name, value)
	case "community":
		o, err = addObject(&s.objects.Communities, &v1beta1.Community{}, func(o *v1beta1.Community) any { return &o.Spec }, name, value)
	case "profile":
		o, err = addObject(&s.objects.BFDProfiles, &v1beta1.BFDProfile{}, func(o *v1beta1.BFDProfile) any { return &o.Spec }, name, value)
	default:
		err = fmt.Errorf("there is no kind %q", kind)
	}
	s.byKey[key] = o
	return err
}

// addObject appends to the list the object of this name, and returns a copy.
func addObject[T any, P interface {
	*T
	config.Object
}](list *[]T, o P, specOf func(P) any, name string, value []byte) (config.Object, error) {
	m := struct {
		Labels, Annotations  map[string]string
		Namespace            string
		Disruption, Deleting bool
	}{Namespace: namespace}
	if err := json.Unmarshal(value, &m); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	spec := map[string]json.RawMessage{}
	if err := json.Unmarshal(value, &spec); err != nil {
		return nil, fmt.Errorf("spec: %w", err)
	}
	maps.DeleteFunc(spec, func(k string, _ json.RawMessage) bool {
		return slices.Contains([]string{"labels", "annotations", "namespace", "disruption", "deleting"}, k)
	})
	rest, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("spec: %w", err)
	}
	o.SetName(name)
	o.SetNamespace(m.Namespace)
	o.SetLabels(m.Labels)
	o.SetAnnotations(m.Annotations)
	if m.Disruption {
		o.SetAnnotations(map[string]string{v1beta1.AnnotationAllowDisruption: "true"})
	}
	if m.Deleting {
		o.SetDeletionTimestamp(new(metav1.Unix(1, 0)))
		o.SetFinalizers([]string{"example.org/keep"})
	}
	if err := decode(rest, specOf(o)); err != nil {
		return nil, err
	}
	*list = append(*list, *o)
	return o.DeepCopyObject().(config.Object), nil
}

func decode(value []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return fmt.Errorf("decoding %s: %w", value, err)
	}
	return nil
}

func (s *scene) addService(name string, value []byte) error {
	svc := struct {
		Holds    []netip.Addr
		From     []string
		Requests string
		Labels   labels.Set
	}{}
	if err := decode(value, &svc); err != nil {
		return err
	}
	ns, n, _ := strings.Cut(name, "/")
	for _, a := range svc.Holds {
		s.holdings = append(s.holdings, config.Holding{
			Service: types.NamespacedName{Namespace: ns, Name: n}, Labels: svc.Labels, Address: a,
			Recorded: svc.From, RequestedPool: svc.Requests,
		})
	}
	return nil
}

func (s *scene) addNamespace(name string, value []byte) error {
	ns := struct{ Labels labels.Set }{}
	err := decode(value, &ns)
	s.namespaces[name] = ns.Labels
	return err
}

func (s *scene) state() config.ClusterState {
	return config.ClusterState{
		Holdings:        s.holdings,
		NamespaceLabels: func(n string) labels.Set { return s.namespaces[n] },
		Nodes:           s.nodes,
	}
}

// reverse turns every list around.
func (s *scene) reverse() {
	slices.Reverse(s.objects.Pools)
	slices.Reverse(s.objects.Peers)
	slices.Reverse(s.objects.Advertisements)
	slices.Reverse(s.objects.Communities)
	slices.Reverse(s.objects.BFDProfiles)
	slices.Reverse(s.holdings)
	slices.Reverse(s.nodes)
}

// holdings finds among a few by looking at each.
type holdings []config.Holding

func (h holdings) In(r ipam.Range) iter.Seq[config.Holding] {
	sorted := slices.SortedStableFunc(slices.Values(h), func(a, b config.Holding) int { return a.Address.Compare(b.Address) })
	return filter(sorted, func(one config.Holding) bool { return r.Contains(one.Address) })
}

func (h holdings) From(pool string) iter.Seq[config.Holding] {
	return filter(h, func(one config.Holding) bool { return slices.Contains(one.Recorded, pool) })
}

func (h holdings) All() iter.Seq[config.Holding] { return slices.Values(h) }

func filter(list []config.Holding, keep func(config.Holding) bool) iter.Seq[config.Holding] {
	return func(yield func(config.Holding) bool) {
		for _, one := range list {
			if keep(one) && !yield(one) {
				return
			}
		}
	}
}

// keyOf returns the object's kind and name, as in a scene.
func keyOf(o config.Object) string {
	kind := ""
	switch o.(type) {
	case *v1beta1.IPAddressPool:
		kind = "pool"
	case *v1beta2.BGPPeer:
		kind = "peer"
	case *v1beta1.BGPAdvertisement:
		kind = "advertisement"
	case *v1beta1.Community:
		kind = "community"
	case *v1beta1.BFDProfile:
		kind = "profile"
	}
	return kind + " " + o.GetName()
}

// parseErrors returns what is wrong with an object by itself.
func parseErrors(o config.Object) (errs field.ErrorList) {
	switch o := o.(type) {
	case *v1beta1.IPAddressPool:
		_, errs = ipam.ParsePool(o)
	case *v1beta2.BGPPeer:
		_, errs = bgp.ParsePeer(o)
	case *v1beta1.BGPAdvertisement:
		_, errs = bgp.ParseAdvertisement(o)
	case *v1beta1.Community:
		_, errs = bgp.ParseCommunities(o)
	case *v1beta1.BFDProfile:
		_, errs = bgp.ParseBFDProfile(o)
	}
	return errs
}
