// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/router/namespace"
	"metallb.io/metallb/test/traffic"
)

// clientNetNS is the path of the client's network namespace.
const clientNetNS = "/run/netns/" + playground.ClientNamespace

// fetch fetches nginx's page from the client, through the rack router.
func fetch(ctx context.Context) (string, error) { return fetchFrom(ctx, nginxPrefix.Addr()) }

// fetchFrom fetches the page at an address likewise.
func fetchFrom(ctx context.Context, address netip.Addr) (page string, err error) {
	err = namespace.Run(clientNetNS, func() (err error) {
		page, err = traffic.Fetch(ctx, net.Dialer{Timeout: 3 * time.Second}, netip.AddrPortFrom(address, 80))
		return err
	})
	return page, err
}

// startClient starts a client in the client's namespace, which asks port 80 of the address, until stop.
func startClient(t *testing.T, address netip.Addr, load traffic.Load) (stop func() traffic.Record) {
	t.Helper()
	load.Namespace, load.Target = clientNetNS, netip.AddrPortFrom(address, 80)
	client := traffic.Start(load)
	t.Cleanup(func() { _, _ = client.Stop() })
	return func() traffic.Record {
		t.Helper()
		record, err := client.Stop()
		if err != nil {
			t.Fatal(err)
		}
		return record
	}
}

// requests fetches nginx's page from the client over and over until stop, one after the other: the machine has other things to do as well.
func requests(t *testing.T) (stop func() traffic.Record) {
	t.Helper()
	return startClient(t, nginxPrefix.Addr(), traffic.Load{Rate: 40, Workers: 1})
}

// intact logs the record, and checks that it is unharmed.
func intact(t *testing.T, record traffic.Record, most int) {
	t.Helper()
	t.Log(record)
	unharmed(t, record, most)
}

// unharmed checks that no request failed, and that no more were reset than can be when the router's routes change: it spreads connections over
// the routes that it has, and when one goes or comes, it sends some of those that are open another way.
func unharmed(t *testing.T, record traffic.Record, most int) {
	t.Helper()
	resets := len(record.Of(traffic.Reset))
	if failed := record.Lost() - resets; len(record.Requests) == 0 || failed > 0 {
		t.Errorf("of %d requests failed %d", len(record.Requests), failed)
	}
	if resets > most {
		t.Errorf("of %d requests %d were reset, of at most %d that changes of routes explain", len(record.Requests), resets, most)
	}
}
