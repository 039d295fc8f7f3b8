// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/test/envtest"
)

// newRelease returns a release that is not installed yet, on an API server of its own without the kinds.
func newRelease(t *testing.T) *release {
	t.Helper()
	s := envtest.Start(t)
	r := &release{Server: s, kubeconfig: s.Kubeconfig(t)}
	// A kind that is deleted while its storage starts stays for five minutes: the API server, which cannot list its objects yet, tries again then.
	r.run(t, "get", "metallb", "--all-namespaces")
	r.run(t, kubectlDelete...)
	return r
}

// A release from its installation to its end, on an API server with nobody behind it: what the controller would write is
// written by the test.
func TestAReleaseIsUpgradedAndRolledBackAndLeavesTheConfigurationIfAtAll(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	before := r.inventory(t)

	r.helm(t, "install", r.older(t), "--set", "crds.keep=false")
	if r.has(t, "bgppeers.metallb.io", "Sessions") {
		t.Fatal("the older chart has the column already")
	}
	r.serve(t)
	r.helm(t, "upgrade", filepath.Join(root, Directory), "--set", "controller.logLevel=debug,speaker.shutdownDelay=3s")
	if !r.has(t, "bgppeers.metallb.io", "Sessions") {
		t.Error("the CustomResourceDefinition was not upgraded")
	}
	r.served(t, "an upgrade")
	r.helm(t, "rollback")
	if r.has(t, "bgppeers.metallb.io", "Sessions") {
		t.Error("the CustomResourceDefinition was not rolled back")
	}
	r.served(t, "a rollback")
	peer := &v1beta2.BGPPeer{
		ObjectMeta: metav1.ObjectMeta{Namespace: envtest.Namespace, Name: "router"},
		Spec:       v1beta2.BGPPeerSpec{MyASN: 64512, ASN: 64513, Address: "192.0.2.1"},
	}
	// The webhook, which nobody answers for, must not be asked.
	if err := r.Client.Create(t.Context(), peer, client.DryRunAll); err == nil || !strings.Contains(err.Error(), "failed calling webhook") {
		t.Errorf("a creation that nobody judges: %v", err)
	}
	r.helm(t, "uninstall", "--wait")
	if diff := cmp.Diff(before, r.inventory(t)); diff != "" {
		t.Errorf("objects before the installation and after the uninstallation (-before +after):\n%s", diff)
	}

	r.helm(t, "install", filepath.Join(root, Directory))
	r.helm(t, "uninstall", "--wait")
	left := slices.DeleteFunc(r.inventory(t), func(name string) bool {
		return slices.Contains(before, name) || strings.HasPrefix(name, "apiservices.") // which the API server makes for the kinds
	})
	kinds := []string{"activeconfigurations", "bfdprofiles", "bgpadvertisements", "bgppeers", "bgpsessionstates", "communities", "ipaddresspools", "servicebgpstatuses"}
	want := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		want = append(want, "customresourcedefinitions.apiextensions.k8s.io /"+kind+".metallb.io")
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("left by an uninstallation (-want +got):\n%s", diff)
	}
}

// kubectlDelete removes the kinds that every server of the package envtest has.
var kubectlDelete = []string{"delete", "--filename", filepath.Join(root, "config/crd/bases")}

// release is the chart's, in the namespace of the manifests.
type release struct {
	*envtest.Server
	kubeconfig string
}

func (r *release) helm(t *testing.T, command string, args ...string) string {
	t.Helper()
	out, err := helm(t, append([]string{command, "metallb", "--kubeconfig", r.kubeconfig, "--namespace", envtest.Namespace}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (r *release) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := r.Kubectl(t, "", args...)
	if err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, out)
	}
	return out
}

// older returns a copy of the chart in which BGPPeers have a column less.
func (r *release) older(t *testing.T) string {
	t.Helper()
	directory := filepath.Join(t.TempDir(), "metallb")
	if err := os.CopyFS(directory, os.DirFS(filepath.Join(root, Directory))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, "files/crds/metallb.io_bgppeers.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "name: Sessions", "name: Before", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return directory
}

// has reports whether a kind has the column.
func (r *release) has(t *testing.T, kind, column string) bool {
	t.Helper()
	out := r.run(t, "get", "crd", kind, "--output", "jsonpath={.spec.versions[*].additionalPrinterColumns[*].name}")
	return slices.Contains(strings.Fields(out), column)
}

// serve writes what the controller writes: a certificate, who trusts it, and who is active.
func (r *release) serve(t *testing.T) {
	t.Helper()
	secret, configuration, lease := r.written(t)
	secret.Data = map[string][]byte{"tls.crt": []byte("certificate")}
	for i := range configuration.Webhooks {
		configuration.Webhooks[i].ClientConfig.CABundle = envtest.NewAuthority(t).Bundle
	}
	holder := "controller-1"
	lease.Spec.HolderIdentity = &holder
	for _, object := range []client.Object{secret, configuration, lease} {
		if err := r.Client.Update(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
}

// served fails the test if what the controller wrote is gone.
func (r *release) served(t *testing.T, after string) {
	t.Helper()
	secret, configuration, lease := r.written(t)
	if string(secret.Data["tls.crt"]) != "certificate" {
		t.Errorf("the certificate is gone after %s", after)
	}
	for _, w := range configuration.Webhooks {
		if len(w.ClientConfig.CABundle) == 0 {
			t.Errorf("the CA bundle of %s is gone after %s", w.Name, after)
		}
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity != "controller-1" {
		t.Errorf("the lease has no holder after %s", after)
	}
}

func (r *release) written(t *testing.T) (*corev1.Secret, *admissionregistrationv1.ValidatingWebhookConfiguration, *coordinationv1.Lease) {
	t.Helper()
	secret, configuration, lease := &corev1.Secret{}, &admissionregistrationv1.ValidatingWebhookConfiguration{}, &coordinationv1.Lease{}
	for name, object := range map[string]client.Object{
		"metallb-webhook-cert": secret, "metallb-webhook-configuration": configuration, "metallb-controller": lease,
	} {
		key := client.ObjectKey{Name: name, Namespace: envtest.Namespace}
		if object == configuration {
			key.Namespace = ""
		}
		if err := r.Client.Get(t.Context(), key, object); err != nil {
			t.Fatal(err)
		}
	}
	return secret, configuration, lease
}

// inventory returns the names of all objects of all kinds, events apart.
func (r *release) inventory(t *testing.T) []string {
	t.Helper()
	kinds, err := discovery.NewDiscoveryClientForConfigOrDie(r.Config).ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, list := range kinds {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range list.APIResources {
			if slices.Contains(kind.Verbs, "list") && kind.Name != "events" {
				r.list(t.Context(), t, group.WithKind(kind.Kind), kind.Name+"."+group.Group+" ", found)
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (r *release) list(ctx context.Context, t *testing.T, kind schema.GroupVersionKind, prefix string, found map[string]bool) {
	t.Helper()
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind)
	if err := r.Client.List(ctx, list); err != nil {
		t.Fatalf("listing %s: %v", kind, err)
	}
	for i := range list.Items {
		found[prefix+list.Items[i].Namespace+"/"+list.Items[i].Name] = true
	}
}
