// SPDX-License-Identifier: Apache-2.0

package envtest_test

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestTheLargestObjectsAreAccepted holds that lists at their limits stay within what the API server lets rules cost.
func TestTheLargestObjectsAreAccepted(t *testing.T) {
	t.Parallel()
	list := func(n int, format func(i int) string) string {
		items := make([]string, 0, n)
		for i := range n {
			items = append(items, format(i))
		}
		return strings.Join(items, ", ")
	}
	v4Range := func(i int) string { return fmt.Sprintf("10.%d.%d.1 - 10.%d.%d.254", i/256, i%256, i/256, i%256) }
	v6Range := func(i int) string {
		prefix := fmt.Sprintf("2001:0db8:%04x:0001:0002:0003:0004", i)
		return fmt.Sprintf("%q", prefix+":0000 - "+prefix+":ffff")
	}
	large := func(i int) string { return fmt.Sprintf(`"large:4294967295:4294967295:%d"`, 4294967295-i) }
	tests := map[string]struct {
		kind kind
		spec string
	}{
		"a pool of 1024 IPv4 ranges":            {poolKind(), `spec: {addresses: [` + list(4096, v4Range) + `]}`},
		"a pool of 1024 IPv6 ranges":            {poolKind(), `spec: {addresses: [` + list(4096, v6Range) + `]}`},
		"an advertisement with 256 communities": {advertisementKind(), `spec: {communities: [` + list(256, large) + `]}`},
		"a Community with 256 aliases":          {communityKind(), `spec: {communities: [` + list(256, func(i int) string { return fmt.Sprintf("{name: a%d, value: %s}", i, large(i)) }) + `]}`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := tc.kind.object(t, tc.spec)
			if err := server.Get(t).Client.Create(t.Context(), object, client.DryRunAll); err != nil {
				t.Fatalf("refused: %.2000v", err)
			}
			if errs, err := tc.kind.parse(object.Object); err != nil || len(errs) > 0 {
				t.Errorf("parsing: %v, %v", errs, err)
			}
		})
	}
}
