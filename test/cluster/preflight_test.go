// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestWhatIsMissingIsListedAtOnce(t *testing.T) {
	t.Parallel()
	err := missingError([]Requirement{
		{What: "nft", Package: "nftables", Missing: true},
		{What: "sh", Package: "dash"},
		{What: "umount", Package: "mount", Missing: true},
		{What: "mount", Package: "mount", Missing: true},
	})
	missing, ok := errors.AsType[*MissingError](err)
	if !ok {
		t.Fatalf("error %v is no MissingError", err)
	}
	if diff := cmp.Diff([]string{"mount", "nftables"}, missing.Packages()); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	want := "missing: nft, umount, mount; on Debian or Ubuntu: apt-get install mount nftables"
	if err.Error() != want {
		t.Errorf("message %q, want %q", err, want)
	}
}

func TestNothingMissingIsNoError(t *testing.T) {
	t.Parallel()
	if err := missingError([]Requirement{{What: "sh", Package: "dash"}}); err != nil {
		t.Errorf("error %v", err)
	}
}

func TestCommandIsLookedUp(t *testing.T) {
	t.Parallel()
	if r := Command("sh", "dash"); r.Missing {
		t.Errorf("%s is missing", r.What)
	}
	if r := Command("no-such-command", "none"); !r.Missing {
		t.Errorf("%s is not missing", r.What)
	}
}

func TestACompilerIsNeededToBuildRuncAlone(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		programs []string
		want     []string
	}{
		"the programs of integration tests": {programs: []string{"etcd", "kube-apiserver", "kubectl"}},
		"runc":                              {programs: []string{"kubelet", "runc"}, want: []string{"gcc", "libseccomp-dev", "pkg-config"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := selectPrograms(tt.programs)
			if err != nil {
				t.Fatal(err)
			}
			needed := &MissingError{Requirements: buildRequirements(list)}
			if diff := cmp.Diff(tt.want, needed.Packages(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("packages (-want +got):\n%s", diff)
			}
		})
	}
}
