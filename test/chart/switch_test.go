// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"path/filepath"
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/envtest"
)

// Helm refuses an object that it has deleted, or not had, and others have made. So what others make again must be a part of every release.
func TestASettingIsTakenBackByAnUpgradeAndByARollback(t *testing.T) {
	t.Parallel()
	s := withOperators(t)
	tests := map[string]struct {
		command string
		// set is the setting, and before what it was.
		set, before string
		made        client.Object
	}{
		"an upgrade without cert-manager":  {command: "upgrade", set: "certManager.enabled=true", before: "certManager.enabled=false", made: issued("one")},
		"a rollback without cert-manager":  {command: "rollback", set: "certManager.enabled=true", before: "certManager.enabled=false", made: issued("two")},
		"an upgrade of the webhook's mode": {command: "upgrade", set: "controller.webhookMode=onlywebhook", before: "controller.webhookMode=enabled", made: held("three")},
		"a rollback of the webhook's mode": {command: "rollback", set: "controller.webhookMode=onlywebhook", before: "controller.webhookMode=enabled", made: held("four")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := tc.made.GetNamespace()
			run := func(command string, args ...string) {
				t.Helper()
				if _, err := helm(t, append([]string{command, release, "--kubeconfig", s.Kubeconfig(t), "--namespace", release}, args...)...); err != nil {
					t.Fatal(err)
				}
			}
			install := func(command, setting string) {
				t.Helper()
				run(command, filepath.Join(root, Directory), "--set", "crds.enabled=false,crds.validationNamespaces=release,"+setting)
			}
			makeMissing(t, s, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: release}})
			install("install", tc.before)
			install("upgrade", tc.set)
			makeMissing(t, s, tc.made)
			if tc.command == "rollback" {
				run("rollback")
			} else {
				install("upgrade", tc.before)
			}
			run("uninstall")
		})
	}
}

// What docs/installation.md says of CustomResourceDefinitions that Helm has kept.
func TestCRDsThatAreKeptAreTakenOverByALaterRelease(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	chart := filepath.Join(root, Directory)
	install := func(name string, args ...string) error {
		_, err := helm(t, append([]string{"install", name, chart, "--kubeconfig", r.kubeconfig, "--namespace", envtest.Namespace}, args...)...)
		return err
	}

	r.helm(t, "install", chart)
	r.helm(t, "upgrade", chart, "--set", "crds.enabled=false")
	r.helm(t, "upgrade", chart, "--set", "crds.enabled=true")
	r.helm(t, "uninstall", "--wait")
	if err := install("other"); err == nil || !strings.Contains(err.Error(), "exists and cannot be imported into the current release") {
		t.Errorf("another release: %v", err)
	}
	if err := install("another", "--take-ownership"); err != nil {
		t.Error(err)
	}
}

// issued is the Secret that cert-manager makes if it is missing, by the template of the chart's Certificate.
func issued(release string) client.Object {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: release, Name: "metallb-webhook-cert",
			Labels:      map[string]string{"app.kubernetes.io/managed-by": "Helm"},
			Annotations: map[string]string{"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": release},
		},
		Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: []byte("certificate"), corev1.TLSPrivateKeyKey: []byte("key")},
	}
}

// held is the Lease that the active controller, while it is still there, makes if it is missing.
func held(release string) client.Object {
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: release, Name: "metallb-controller"}}
}

func makeMissing(t *testing.T, s *envtest.Server, object client.Object) {
	t.Helper()
	if err := s.Client.Create(t.Context(), object); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}
