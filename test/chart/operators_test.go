// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"path/filepath"
	"sync"
	"testing"

	controllerruntimeenvtest "sigs.k8s.io/controller-runtime/pkg/envtest"

	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/programs"
)

// operatorKinds are the CustomResourceDefinitions of the operators that the chart makes objects for, by the module that has them.
var operatorKinds = map[string][]string{
	"github.com/prometheus-operator/prometheus-operator@v0.85.0": {
		"example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
	},
	"github.com/cert-manager/cert-manager@v1.21.2": {
		"deploy/crds/cert-manager.io_issuers.yaml", "deploy/crds/cert-manager.io_clusterissuers.yaml", "deploy/crds/cert-manager.io_certificates.yaml",
	},
}

// installOperators guards the installation of the operators' kinds.
var installOperators sync.Once

// withOperators returns the server, with the kinds of the Prometheus operator and of cert-manager.
func withOperators(t *testing.T) *envtest.Server {
	t.Helper()
	s := server.Get(t)
	installOperators.Do(func() {
		options := controllerruntimeenvtest.CRDInstallOptions{ErrorIfPathMissing: true}
		for module, files := range operatorKinds {
			directory := download(t, module)
			for _, file := range files {
				options.Paths = append(options.Paths, filepath.Join(directory, file))
			}
		}
		if _, err := controllerruntimeenvtest.InstallCRDs(s.Config, options); err != nil {
			t.Error(err)
		}
	})
	return s
}

// download returns the directory of a module, which the go command takes from its cache, or from where it gets modules.
func download(t *testing.T, module string) string {
	t.Helper()
	// Elsewhere than in this module, whose go.sum does not have it.
	m, err := programs.Download(t.Context(), t.TempDir(), module)
	if err != nil {
		t.Fatal(err)
	}
	return m.Dir
}
