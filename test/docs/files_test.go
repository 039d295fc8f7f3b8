// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestEveryYAMLFileSaysEverythingOnce finds keys that are written twice, of which one is ignored in silence.
func TestEveryYAMLFileSaysEverythingOnce(t *testing.T) {
	t.Parallel()
	checked := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "out" || d.Name() == "templates"):
			return filepath.SkipDir
		case filepath.Ext(path) != ".yaml" && filepath.Ext(path) != ".yml":
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		checked++
		for i, document := range regexp.MustCompile(`(?m)^---\s*$`).Split(string(content), -1) {
			if _, err := yaml.YAMLToJSONStrict([]byte(document)); err != nil {
				t.Errorf("%s, document %d: %v", path, i+1, err)
			}
		}
		return nil
	})
	if err != nil || checked < 50 {
		t.Errorf("checked %d files: %v", checked, err)
	}
}
