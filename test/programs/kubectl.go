// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// WithDiscoveryCache runs the tests of a package with their own folder for the discovery cache of kubectl, and of programs built like it.
// The default folder is in the user's home, with one part for each address of a cluster, so a new cluster would get the kinds of an earlier
// one at its address. The result is an exit code.
func WithDiscoveryCache(m *testing.M) int {
	const variable = "KUBECACHEDIR"
	dir, err := os.MkdirTemp("", "kubectl")
	if err == nil {
		err = os.Setenv(variable, dir)
	}
	code := 1
	if err == nil {
		code = m.Run()
	}
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(os.Stderr, "error: making or removing the cache of kubectl:", err)
		return max(code, 1)
	}
	return code
}
