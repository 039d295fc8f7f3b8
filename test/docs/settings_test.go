// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/programs"
)

const configuration = "docs/configuration.md"

// settings are flags and variables of the environment, each with its default.
type settings map[string]string

var (
	flagLines     = regexp.MustCompile(`(?m)^  (--[\w-]+)(?:=[^\s,]+)?(?:, (\w+))?\n((?:        .*\n?)+)`)
	variableLines = regexp.MustCompile(`(?m)^  ([A-Z][A-Z0-9_]+)\n`)
	defaults      = regexp.MustCompile(`\(default ([^)]*)\)`)
)

// help returns what the program says can be set.
func help(t *testing.T, program string) settings {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, "--help").Output()
	if err != nil {
		t.Fatalf("%s --help: %v", program, err)
	}
	found := settings{}
	for _, m := range flagLines.FindAllStringSubmatch(string(out), -1) {
		found[m[1]] = ""
		if d := defaults.FindStringSubmatch(m[3]); d != nil {
			found[m[1]] = d[1]
		}
		variable := "METALLB_" + strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(m[1], "--"), "-", "_"))
		if m[2] != "" && m[2] != variable {
			t.Errorf("%s: the variable of %s is %s; the page says that it would be %s", program, m[1], m[2], variable)
		}
	}
	for _, m := range variableLines.FindAllStringSubmatch(string(out), -1) {
		found[m[1]] = ""
	}
	if len(found) < 5 {
		t.Fatalf("%s --help says too little:\n%s", program, out)
	}
	return found
}

func TestEveryFlagAndVariableIsDocumentedWithItsDefault(t *testing.T) {
	t.Parallel()
	dir := programs.Product(t)
	d, err := Read(root, configuration)
	if err != nil {
		t.Fatal(err)
	}
	for program, heading := range map[string]string{"controllers": "Of the controller", "speaker": "Of the speaker"} {
		documented := table(t, d, "Of both")
		maps.Copy(documented, table(t, d, heading))
		if diff := cmp.Diff(documented, help(t, filepath.Join(dir, program))); diff != "" {
			t.Errorf("%s and %s --help differ (-page +help):\n%s", configuration, program, diff)
		}
	}
}

// table returns the settings of a table whose columns are setting, default and meaning.
func table(t *testing.T, d *Document, heading string) settings {
	t.Helper()
	rows, err := d.Table(heading)
	if err != nil {
		t.Fatal(err)
	}
	found := settings{}
	for _, row := range rows {
		found[row[0]] = row[1]
	}
	return found
}

func TestEveryAnnotationAndReasonIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join(root, configuration))
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob(filepath.Join(root, "api", "v1beta1", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	constant := regexp.MustCompile(`(?m)^(?:const)?\s+(?:Annotation|Condition|Reason)\w+\s*=\s*(AnnotationPrefix \+ )?"([^"]+)"`)
	found := 0
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range constant.FindAllStringSubmatch(string(text), -1) {
			found++
			name := m[2]
			if m[1] != "" {
				name = "metallb.io/" + name
			}
			if !strings.Contains(string(page), "`"+name) {
				t.Errorf("%s does not tell of `%s`", configuration, name)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d annotations, conditions and reasons", found)
	}
}
