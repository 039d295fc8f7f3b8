// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"math"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/ipam"
)

func TestAFullPoolIsOneRunThoughItAvoidsAddresses(t *testing.T) {
	t.Parallel()
	r, err := ipam.ParseRange("10.0.0.0/20")
	if err != nil {
		t.Fatal(err)
	}
	s := newPool("a")
	s.configure(&ipam.Pool{Name: "a", Ranges: []ipam.Range{r}, AvoidBuggyIPs: true})
	for a, ok := s.lowest(corev1.IPv4Protocol); ok; a, ok = s.lowest(corev1.IPv4Protocol) {
		s.take(a)
	}
	if got, want := s.inside[corev1.IPv4Protocol], int64(16*254); got != want {
		t.Errorf("it gave %d addresses, want %d", got, want)
	}
	// More than one run would have to be searched one after the other.
	if s.taken.root == nil || s.taken.root.left != nil || s.taken.root.right != nil {
		t.Error("its addresses in use are more than one run")
	}
	last := addr("10.0.0.0", 4093)
	s.free(last)
	if a, ok := s.lowest(corev1.IPv4Protocol); !ok || a != last {
		t.Errorf("the first free address is %s, want %s", a, last)
	}
}

func TestAPoolWhoseSizeIsBeyondCountingHasNoFewerAddressesAvailable(t *testing.T) {
	t.Parallel()
	r, err := ipam.ParseRange("2001:db8::/64")
	if err != nil {
		t.Fatal(err)
	}
	s := newPool("a")
	s.configure(&ipam.Pool{Name: "a", Ranges: []ipam.Range{r}})
	s.take(r.From)
	if got := s.available(corev1.IPv6Protocol); got != math.MaxInt64 {
		t.Errorf("%d are available, want %d", got, int64(math.MaxInt64))
	}
}
