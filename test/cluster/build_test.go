// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"metallb.io/metallb/test/programs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAProgramIsBuiltAgainUnlessItIsTheRightOne(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string]struct {
		content []byte
		mode    os.FileMode
	}{
		"go":      {text, 0o755},
		"no-mode": {text, 0o644},
		"not-go":  {[]byte("#!/bin/sh\n"), 0o755},
		"cut-off": {text[:len(text)/100], 0o755},
		"empty":   {nil, 0o755},
	}
	for name, f := range files {
		if err := os.WriteFile(filepath.Join(dir, name), f.content, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	right := program{pkg: info.Path, module: info.Main.Path, version: info.Main.Version}
	with := func(change func(*program)) program {
		p := right
		change(&p)
		return p
	}
	tests := map[string]struct {
		file    string
		program program
		want    bool
	}{
		"the right one":                    {"go", right, true},
		"another version":                  {"go", with(func(p *program) { p.version = "v0.0.1" }), false},
		"another program of the module":    {"go", with(func(p *program) { p.pkg += "/other" }), false},
		"another module":                   {"go", with(func(p *program) { p.module += "/v2" }), false},
		"any, for one made of source here": {"go", program{source: []byte("package main")}, true},
		"one that cannot be executed":      {"no-mode", right, false},
		"one that is not of Go":            {"not-go", right, false},
		"one that is cut off":              {"cut-off", right, false},
		"an empty one":                     {"empty", right, false},
		"none":                             {"absent", right, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.program.current(filepath.Join(dir, tt.file)); got != tt.want {
				t.Errorf("current: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestBuildMakesAProgramOnce(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "bin")
	var first, second bytes.Buffer
	if err := Build(t.Context(), bin, &first, "pause"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(first.String(), "building pause (1/1)") {
		t.Errorf("progress %q does not name the program", first.String())
	}
	before, err := os.Stat(filepath.Join(bin, "pause"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Build(t.Context(), bin, &second, "pause"); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(filepath.Join(bin, "pause"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || second.Len() > 0 {
		t.Errorf("it was built again: %q", second.String())
	}
	entries, err := os.ReadDir(bin)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if diff := cmp.Diff([]string{".lock", "pause"}, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestBuildRefusesAProgramItDoesNotKnow(t *testing.T) {
	t.Parallel()
	bin := filepath.Join(t.TempDir(), "bin")
	err := Build(t.Context(), bin, new(bytes.Buffer), "etcd", "nginx")
	if err == nil || !strings.Contains(err.Error(), `"nginx"`) {
		t.Errorf("error %v does not name nginx", err)
	}
	if _, err := os.Stat(bin); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory was made: %v", err)
	}
}

func TestAnotherVersionOfKubernetesIsBuiltOfItsOwnModules(t *testing.T) {
	for text, want := range map[string]*release{
		"":         {minor: "37", patch: "2"},
		"v1.31.14": {minor: "31", patch: "14"},
		"1.36.3":   {minor: "36", patch: "3"},
		"v1.37":    nil,
		"newest":   nil,
	} {
		t.Run(text, func(t *testing.T) {
			t.Setenv(programs.VersionVariable, text)
			list, err := selectPrograms([]string{"kubelet"})
			if want == nil {
				if err == nil || !strings.Contains(err.Error(), "K8S_VERSION="+text+": is no version") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := list[0]
			if got.version != want.String() || got.staging != want.staging() || !strings.Contains(got.ldflags, "gitMinor="+want.minor) {
				t.Errorf("got %s of %s with %q", got.version, got.staging, got.ldflags)
			}
		})
	}
}
