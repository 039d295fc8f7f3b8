// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func TestTheTutorialsConfigurationIsUnderstood(t *testing.T) {
	t.Parallel()
	file, err := os.Open("../../config/tutorial/tutorial-2.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	config := &corev1.ConfigMap{} // the first object
	if err := yaml.NewYAMLOrJSONDecoder(file, 4096).Decode(config); err != nil {
		t.Fatal(err)
	}
	got, err := answerOf(config.Data["default.conf"], "nginx-7d4")
	if want := "Welcome to nginx, served by pod nginx-7d4.\n"; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestOtherConfigurationsAreRefused(t *testing.T) {
	t.Parallel()
	for _, config := range []string{"", "server { root /usr/share/nginx/html; }", `server { return 200 "it ends here`} {
		if got, err := answerOf(config, ""); err == nil {
			t.Errorf("%q answers %q", config, got)
		}
	}
}
