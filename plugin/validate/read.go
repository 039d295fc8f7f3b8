// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// read returns the documents of all files, in order. "-" is standard input.
func read(files []string, stdin io.Reader) ([]document, error) {
	var documents []document
	stdinRead := false
	for _, name := range files {
		if name == "-" {
			if stdinRead {
				return nil, errors.New("- is given twice; standard input can be read only once")
			}
			stdinRead = true
			content, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("reading standard input: %w", err)
			}
			documents = append(documents, parseDocuments(name, content)...)
			continue
		}
		paths, err := expand(name)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			content, err := os.ReadFile(path) //nolint:gosec // The command is for reading the files that it is told to.
			if err != nil {
				return nil, err
			}
			documents = append(documents, parseDocuments(path, content)...)
		}
	}
	return documents, nil
}

// expand returns the manifests of a directory, by name; of anything else the name itself.
func expand(name string) ([]string, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s: there is no such file or directory", name)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, e := range entries {
		if !e.IsDir() && isManifest(e.Name()) {
			paths = append(paths, filepath.Join(name, e.Name()))
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: there is no *.yaml, *.yml or *.json in this directory", name)
	}
	return paths, nil
}

// isManifest reports whether a file of a directory is one to check. What kustomize reads is not applied.
func isManifest(name string) bool {
	extension := strings.ToLower(filepath.Ext(name))
	return slices.Contains([]string{".yaml", ".yml", ".json"}, extension) &&
		!slices.Contains([]string{"kustomization.yaml", "kustomization.yml"}, name)
}
