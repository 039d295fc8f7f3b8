// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/programs"
)

func TestADiagnosisHasTheLogsAndDebugPagesOfAllPods(t *testing.T) {
	withTutorial(t, func(p *playground.Playground) {
		file := filepath.Join(t.TempDir(), "diagnosis.tar.gz")
		if out, status := kubectlMetalLB(t, p, "diagnose", "-o", file); status != 0 {
			t.Fatalf("exit status %d:\n%s", status, out)
		}
		list, err := programs.Run(t.Context(), "", "tar", "--list", "--file", file)
		if err != nil {
			t.Fatal(err)
		}
		for _, component := range []string{"controller", "speaker"} {
			for _, pod := range pods(t, p, component) {
				names := []string{"logs/" + pod.Name + "-" + component + ".log", "debug/" + pod.Name + "-log-level.json"}
				if component == "speaker" {
					names = append(names, "debug/"+pod.Name+"-rib.json", "debug/"+pod.Name+"-sessions.json")
				}
				for _, name := range names {
					if !strings.Contains(list, "diagnosis/"+name+"\n") {
						t.Errorf("without %s:\n%s", name, list)
					}
				}
			}
		}
		errors, err := programs.Run(t.Context(), "", "tar", "--extract", "--to-stdout", "--file", file, "diagnosis/errors.txt")
		if err != nil {
			t.Fatal(err)
		}
		if errors != "Everything could be read.\n" {
			t.Errorf("not read: %s", errors)
		}
	})
}
