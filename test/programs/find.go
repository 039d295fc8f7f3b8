// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// VersionVariable of the environment is the version of Kubernetes whose programs are meant, such as v1.31.14; unset, that of every
// day.
const VersionVariable = "K8S_VERSION"

// Dir returns the directory in which programs of test clusters are kept: $K8S_BIN, or else a folder of the user's, in which those of
// each $K8S_VERSION have one of their own.
func Dir() string {
	return cmp.Or(os.Getenv("K8S_BIN"), filepath.Join(userCache(), "k8s-from-modules", os.Getenv(VersionVariable)))
}

// Cache returns the directory in which this project keeps what it has made and can make again.
func Cache() string { return filepath.Join(userCache(), "metallb-images") }

func userCache() string {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/root"
	}
	return filepath.Join(home, ".cache")
}

// Find returns the path of a program of test clusters: in Dir, or of the PATH.
func Find(name string) (string, error) {
	if path := filepath.Join(Dir(), name); Executable(path) {
		return path, nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is missing: make test-programs builds it: %w", name, err)
	}
	return path, nil
}

// Executable tells whether the file is there and may be executed.
func Executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&0o111 != 0
}
