// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func (n *nodeNames) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.known)
}

func TestNamesOfNodesThatAreGoneAreForgotten(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	n := &nodeNames{}
	kept := n.once("stays")
	for i := range 1000 {
		n.once(fmt.Sprintf("gone-%d", i))
	}
	g.Eventually(func() int { runtime.GC(); return n.count() }).WithTimeout(10 * time.Second).Should(Equal(1))
	g.Expect(n.once("stays")).To(BeIdenticalTo(kept))
	back := n.once("gone-1")
	g.Expect(n.once("gone-1")).To(BeIdenticalTo(back))
	runtime.KeepAlive(kept)
}
