// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

const (
	// Directory is where the chart is, in the source tree.
	Directory = "charts/metallb"
	// Manifest is the file with everything that config/default has.
	Manifest = "config/manifests/metallb.yaml"

	copies = Directory + "/files"
	readme = Directory + "/README.md"
)

// Generate returns the contents of all generated files of the chart, and of the manifest, by their paths in the source tree.
// The manifest is what kubectl makes of config/default.
func Generate(ctx context.Context, root, kubectl string) (map[string][]byte, error) {
	files, err := copied(root)
	if err != nil {
		return nil, err
	}
	if files[readme], err = describe(root); err != nil {
		return nil, fmt.Errorf("%s: %w", readme, err)
	}
	if files[defaults], err = essential(root); err != nil {
		return nil, fmt.Errorf("%s: %w", defaults, err)
	}
	if files[Manifest], err = Kustomize(ctx, root, kubectl, "config/default"); err != nil {
		return nil, err
	}
	files[Manifest] = append([]byte("# Everything to run on a cluster: kubectl apply -f metallb.yaml. Made of config/default by `make manifests`.\n"),
		files[Manifest]...)
	return files, nil
}

// copied returns the files that the chart has from elsewhere, since Helm sees nothing outside of it.
func copied(root string) (map[string][]byte, error) {
	from := map[string]string{
		"controller_role.yaml": "config/rbac/controller_role.yaml",
		"speaker_role.yaml":    "config/rbac/speaker_role.yaml",
		"service_role.yaml":    "config/service-bgp-status/role.yaml",
		"webhook.yaml":         "config/webhook/configuration.yaml",
		"alerts.yaml":          "config/prometheus/alerts.yaml",
		"dashboard.json":       "config/prometheus/dashboard.json",
	}
	kinds, err := filepath.Glob(filepath.Join(root, "config/crd/bases/*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, kind := range kinds {
		name := filepath.Base(kind)
		from["crds/"+name] = "config/crd/bases/" + name
	}
	files := make(map[string][]byte, len(from))
	for name, source := range from {
		content, err := os.ReadFile(filepath.Join(root, source))
		if err != nil {
			return nil, err
		}
		files[copies+"/"+name] = content
	}
	return files, nil
}

// Kustomize returns the objects of a kustomization of the source tree.
func Kustomize(ctx context.Context, root, kubectl, directory string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, kubectl, "kustomize", directory)
	cmd.Dir = root
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("kubectl kustomize %s: %w: %s", directory, err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}

// Write writes the files, and removes copies that are not among them.
func Write(root string, files map[string][]byte) error {
	present, err := Copies(root)
	if err != nil {
		return err
	}
	for _, path := range present {
		if _, ok := files[path]; ok {
			continue
		}
		if err := os.Remove(filepath.Join(root, path)); err != nil {
			return err
		}
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, files[path], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Copies returns the paths, in the source tree, of the files that the chart has from elsewhere.
func Copies(root string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(filepath.Join(root, copies), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(root, path)
		found = append(found, relative)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return found, err
}
