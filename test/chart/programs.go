// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Program returns the path of helm or kubectl: in the directory that the programs of test clusters are built into, or of the PATH.
func Program(name string) (string, error) {
	dirs := []string{os.Getenv("K8S_BIN")}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".cache", "k8s-from-modules"))
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); dir != "" && err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is missing: make test-programs builds it: %w", name, err)
	}
	return path, nil
}
