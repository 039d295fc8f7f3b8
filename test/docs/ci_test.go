// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A name that no test has any more would be no error, and what it is there for not be done.
func TestTheTestsThatAreChosenByNameExist(t *testing.T) {
	t.Parallel()
	script, err := os.ReadFile(filepath.Join(root, ".ci", "test"))
	if err != nil {
		t.Fatal(err)
	}
	missing := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(script), -1)
	if len(missing) < 3 {
		t.Fatalf("it names %v only", missing)
	}
	err = filepath.WalkDir(root, func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		missing = slices.DeleteFunc(missing, func(name string) bool { return strings.Contains(string(text), "\nfunc "+name+"(") })
		return err
	})
	if err != nil || len(missing) > 0 {
		t.Errorf(".ci/test names tests that do not exist: %v (%v)", missing, err)
	}
}
