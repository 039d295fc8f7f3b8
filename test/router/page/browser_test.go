// SPDX-License-Identifier: Apache-2.0

package page_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/browser"
	"metallb.io/metallb/test/router/page"
)

// screenshots names the directory to write a picture of every state to; empty writes none.
const screenshots = "ROUTER_SCREENSHOTS"

// TestPageInABrowser drives the page in one headless Chromium, in a tab for each part.
func TestPageInABrowser(t *testing.T) {
	ctx := browser.Start(t)
	t.Run("shows every state at every width", func(t *testing.T) { showsEveryState(ctx, t) })
	t.Run("follows its routers without reload", func(t *testing.T) { followsRouters(ctx, t) })
	t.Run("says when its server is gone", func(t *testing.T) { saysWhenServerIsGone(ctx, t) })
	t.Run("asks nobody else", func(t *testing.T) { asksNobodyElse(ctx, t) })
}

func serve(t *testing.T, s *source) *httptest.Server {
	t.Helper()
	p, err := page.New(page.Config{Source: s.read, Recorder: packets{}, Ports: []uint16{1179, 1180}, Interval: 50 * time.Millisecond, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		server.CloseClientConnections() // open pages are streams that never end
		server.Close()
	})
	return server
}

// verdicts reads the words the page shows, by router.
const verdicts = `[...document.querySelectorAll(".router .word")].map(e => e.textContent)`

// live holds once the page's script runs and has heard from the server.
const live = `!document.getElementById("live").hidden`

// open shows the page in a new tab and waits until its script runs. The tab is closed with the test.
func open(ctx context.Context, t *testing.T, url string) context.Context {
	t.Helper()
	tab, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(tab, chromedp.Navigate(url)); err != nil {
		t.Fatalf("opening the page: %v", err)
	}
	browser.Await(tab, t, live)
	return tab
}

func resize(ctx context.Context, t *testing.T, width int64) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
		t.Fatalf("resizing to %d: %v", width, err)
	}
}

func showsEveryState(ctx context.Context, t *testing.T) {
	t.Helper()
	for st, want := range map[state][]string{
		notConnected: {"not connected", "not connected"},
		toldNothing:  {"connected, but told nothing", "connected, but told nothing"},
		connected:    {"connected", "connected"},
		lostNode:     {"connected", "connected"},
		notRunning:   {"connected", "not running"},
		manyNodes:    {"connected", "connected"},
		forwarding:   {"connected"},
		bothFamilies: {"connected", "connected"},
		lostFamily:   {"connected", "connected"},
	} {
		t.Run(string(st), func(t *testing.T) {
			tab := open(ctx, t, serve(t, &source{state: st}).URL)
			if diff := cmp.Diff(want, browser.Evaluate[[]string](tab, t, verdicts)); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
			for _, width := range []int64{1280, 768, 390, 360, 320} {
				resize(tab, t, width)
				if overflow := browser.Evaluate[string](tab, t, widest); overflow != "" {
					t.Errorf("at width %d the page scrolls sideways because of %s", width, overflow)
				}
				shoot(tab, t, string(st), width)
			}
		})
	}
}

// widest names the element that makes the page scroll sideways; empty when it does not.
const widest = `(() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return "";
  const out = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > room + 1 && !e.closest("pre"));
  return out.map(e => e.tagName + "." + e.getAttribute("class")).join(" ") || "something";
})()`

// shoot writes pictures of the page in light and dark, at the widths of a desk and a phone, when they are asked for.
func shoot(ctx context.Context, t *testing.T, name string, width int64) {
	t.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" || (width != 1280 && width != 390) {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		if err := chromedp.Do(ctx, browser.Prefer(scheme)); err != nil {
			t.Fatal(err)
		}
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatalf("screenshot of %s: %v", name, err)
		}
		file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
		if err := os.WriteFile(file, png, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func followsRouters(ctx context.Context, t *testing.T) {
	t.Helper()
	s := &source{state: notConnected}
	tab := open(ctx, t, serve(t, s).URL)
	browser.Evaluate[bool](tab, t, `window.witness = true`)
	for _, step := range []struct {
		state state
		words string
	}{
		{toldNothing, "connected, but told nothing|connected, but told nothing"},
		{connected, "connected|connected"},
		{notRunning, "connected|not running"},
		{notConnected, "not connected|not connected"},
	} {
		s.set(step.state)
		browser.Await(tab, t, fmt.Sprintf(`%s.join("|") === %q`, verdicts, step.words))
	}
	if !browser.Evaluate[bool](tab, t, `window.witness === true`) {
		t.Error("the page was loaded anew")
	}
}

func saysWhenServerIsGone(ctx context.Context, t *testing.T) {
	t.Helper()
	server := serve(t, &source{state: connected})
	tab := open(ctx, t, server.URL)
	resize(tab, t, 390)
	_ = server.Listener.Close()
	server.CloseClientConnections()
	browser.Await(tab, t, `!document.getElementById("stale").hidden && document.body.classList.contains("is-stale")`)
	shoot(tab, t, "stale", 390)
}

func asksNobodyElse(ctx context.Context, t *testing.T) {
	t.Helper()
	server := serve(t, &source{state: connected})
	tab := open(ctx, t, server.URL)
	for _, url := range browser.Evaluate[[]string](tab, t, `performance.getEntries().map(e => e.name).filter(n => n.includes(":"))`) {
		if !strings.HasPrefix(url, server.URL) {
			t.Errorf("the page asked for %s", url)
		}
	}
}
