// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// addr returns the address that many places after the base.
func addr(base string, offset int) netip.Addr {
	a := netip.MustParseAddr(base)
	b := a.AsSlice()
	for i := len(b) - 1; i >= 0 && offset > 0; i-- {
		sum := int(b[i]) + offset
		b[i], offset = byte(sum), sum>>8
	}
	a, _ = netip.AddrFromSlice(b)
	return a
}

func TestRunsAgreeWithAPlainSetUnderRandomOperations(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"10.0.0.0", "2001:db8::", "255.255.255.128", "0.0.0.0"} {
		random := rand.New(rand.NewPCG(1, 2))
		var s runs
		plain := map[netip.Addr]bool{}
		for range 20_000 {
			a := addr(base, random.IntN(120))
			switch {
			case plain[a]:
				s.remove(a)
				delete(plain, a)
			default:
				s.add(a, a)
				plain[a] = true
			}
			probe := addr(base, random.IntN(120))
			want := probe
			for plain[want] {
				want = want.Next()
			}
			if end, ok := s.end(probe); ok != plain[probe] || ok && end.Next() != want {
				t.Fatalf("base %s: end(%s) = %s, %t; the first free address is %s", base, probe, end, ok, want)
			}
		}
		for a := range plain {
			s.remove(a)
		}
		if s.root != nil {
			t.Errorf("base %s: runs are left after everything was removed", base)
		}
	}
}

func TestRunsOfConsecutiveAddressesAreOneRun(t *testing.T) {
	t.Parallel()
	var s runs
	for _, i := range rand.New(rand.NewPCG(3, 4)).Perm(1000) {
		s.add(addr("10.0.0.0", i), addr("10.0.0.0", i))
	}
	if s.root == nil || s.root.left != nil || s.root.right != nil {
		t.Error("a thousand consecutive addresses are more than one run")
	}
}
