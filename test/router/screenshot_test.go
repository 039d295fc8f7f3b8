// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/browser"
	"metallb.io/metallb/test/router/router"
)

// pictureVariable names the file for the picture of the page in the documentation. To draw it anew:
//
//	ROUTER_PAGE_PNG=$PWD/docs/images/router-page.png go test ./test/router -run Picture -count 1
const pictureVariable = "ROUTER_PAGE_PNG"

// TestPictureOfThePage takes the picture of a page that real routers and three nodes fill.
func TestPictureOfThePage(t *testing.T) {
	file := os.Getenv(pictureVariable)
	if file == "" {
		t.Skipf("%s names no file for the picture", pictureVariable)
	}
	require(t)
	chromium, err := browser.Path()
	if err != nil {
		t.Fatal(err)
	}
	r := rack(t, 3)
	s := program(t, "--netns", r.ns("r"), "--title", "Test BGP routers", "--bird-address", "172.31.9.1", "--frr-address", "172.31.9.2",
		"--bird-endpoint", "10.96.0.100:179", "--frr-endpoint", "10.96.0.101:179",
		"--node", "node-1=172.31.9.11", "--node", "node-2=172.31.9.12", "--node", "node-3=172.31.9.13")
	for i := 1; i <= 3; i++ {
		prefixes := []string{"198.51.100.0/32"}
		if i != 2 {
			prefixes = append(prefixes, "198.51.100.1/32")
		}
		node := nodeSpeaker(i, prefixes...)
		node.PeerASN, node.Communities = node.ASN, nil
		node.start(t, r.ns(fmt.Sprintf("n%d", i)))
	}
	all := map[string][]string{"198.51.100.0/32": {"node-1", "node-2", "node-3"}, "198.51.100.1/32": {"node-1", "node-3"}}
	s.eventually("told everything", func() bool {
		return cmp.Equal(map[string]map[string][]string{"bird": all, "frr": all}, announcers(s.snapshot()))
	})
	if report, _ := s.snapshot().Find("bird"); report.Verdict != router.Connected || len(report.Established()) != 3 || report.Neighbors[0].Address != netip.MustParseAddr("172.31.9.11") {
		t.Fatalf("report %+v", report)
	}

	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	allocator, cancelAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	defer cancelAllocator()
	tab, cancel := chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1280, 1110), chromedp.Navigate(s.url)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(tab, chromedp.Poll[bool](`!document.getElementById("live").hidden`, chromedp.WithPollingTimeout(time.Minute))); err != nil {
		t.Fatal(err)
	}
	png, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o644); err != nil {
		t.Fatal(err)
	}
}
