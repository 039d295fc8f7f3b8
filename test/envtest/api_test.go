// SPDX-License-Identifier: Apache-2.0

package envtest_test

import (
	"os"
	"strings"
	"testing"

	"metallb.io/metallb/test/envtest"
)

var server envtest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

func TestKubectlListsEveryKindInTheCategory(t *testing.T) {
	s := server.Get(t)
	out, err := s.Kubectl(t, "", "api-resources", "--categories=metallb", "--output=name")
	if err != nil {
		t.Fatalf("kubectl: %v\n%s", err, out)
	}
	for _, kind := range []string{"bgpadvertisements", "bgppeers", "communities", "ipaddresspools"} {
		if !strings.Contains(out, kind+".metallb.io") {
			t.Errorf("kubectl does not list %s:\n%s", kind, out)
		}
	}
}
