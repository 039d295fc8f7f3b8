// SPDX-License-Identifier: Apache-2.0

package freeport

import (
	"net"
	"testing"
)

func TestAPortIsGivenOnceUntilItIsReleased(t *testing.T) {
	t.Parallel()
	given := map[int]bool{}
	for range 200 {
		port := Get(t)
		if given[port] || port < first || port > last {
			t.Fatalf("port %d: given before: %t", port, given[port])
		}
		given[port] = true
	}
}

func TestAPortThatSomebodyListensOnIsNotFree(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "0.0.0.0", "::1", "::"} {
		port := Get(t)
		if !isFree(port) {
			t.Fatalf("port %d is not free", port)
		}
		listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(host), Port: port})
		if err != nil {
			t.Fatal(err)
		}
		if isFree(port) {
			t.Errorf("port %d is free, though somebody listens on %s", port, listener.Addr())
		}
		_ = listener.Close()
	}
}
