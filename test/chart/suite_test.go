// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/programs"
)

const (
	root = "../.."
	// kubeVersion is what helm takes the cluster to be if it talks to none.
	kubeVersion = "1.37.0"
)

var server envtest.Shared

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard()) // What it would say are warnings of kinds that are listed with all others.
	if err := readSources(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(server.Main(m))
}

// readSources reads what helm and kubectl will: go test takes a result from its cache only if the files that the test itself
// read are the same.
func readSources() error {
	for _, directory := range []string{Directory, "config"} {
		err := filepath.WalkDir(filepath.Join(root, directory), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			_, err = os.ReadFile(path)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// program returns the path of helm or kubectl. It skips the test if it is missing.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := programs.Find(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	t.Fatal(err)
	return ""
}

// helm runs helm with nothing of the user's, and returns what it prints; the error has what it says on standard error.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), program(t, "helm"), args...)
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + filepath.Join(home, "none")}
	for i, arg := range args {
		if arg == "--kubeconfig" {
			cmd.Env[2] = "KUBECONFIG=" + args[i+1]
		}
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("helm %s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

// template renders the chart as a release "metallb" in the namespace of the manifests.
func template(t *testing.T, args ...string) ([]*unstructured.Unstructured, error) {
	t.Helper()
	return templateOf(t, filepath.Join(root, Directory), args...)
}

// templateOf returns what helm renders of a chart in a directory.
func templateOf(t *testing.T, directory string, args ...string) ([]*unstructured.Unstructured, error) {
	t.Helper()
	out, err := helm(t, append([]string{
		"template", "metallb", directory, "--namespace", envtest.Namespace, "--kube-version", kubeVersion,
	}, args...)...)
	if err != nil {
		return nil, err
	}
	return objects([]byte(out))
}

// objects decodes a stream of YAML.
func objects(text []byte) ([]*unstructured.Unstructured, error) {
	var found []*unstructured.Unstructured
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if err == io.EOF { //nolint:errorlint // the reader returns it as it is
			return found, nil
		} else if err != nil {
			return nil, err
		}
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict(document, &object.Object); err != nil {
			return nil, fmt.Errorf("%w in:\n%s", err, document)
		}
		if len(object.Object) > 0 {
			found = append(found, object)
		}
	}
}

// kustomize renders a kustomization of the source tree.
func kustomize(ctx context.Context, t *testing.T, directory string) []*unstructured.Unstructured {
	t.Helper()
	out, err := Kustomize(ctx, root, program(t, "kubectl"), directory)
	if err != nil {
		t.Fatal(err)
	}
	found, err := objects(out)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// file writes the text into a file of the test's.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	write(t, path, text)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
