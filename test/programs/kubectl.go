// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// WithDiscoveryCache runs the tests of a package with a folder of their own for what kubectl, and programs that are made like it, remember
// of the kinds that a cluster has. They would remember it in the user's home, by the address of the cluster, and take it for what the next
// cluster at this address has. The result is an exit code.
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
