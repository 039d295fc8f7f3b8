// SPDX-License-Identifier: Apache-2.0

package dashboard_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"metallb.io/metallb/plugin/dashboard/sample"
)

// screenshots names the directory to write pictures of the page to; empty writes none.
const screenshots = "DASHBOARD_SCREENSHOTS"

var (
	small = sample.Size{Peers: 2, Nodes: 3, Services: 8}
	mid   = sample.Size{Peers: 2, Nodes: 12, Services: 22}
	large = sample.Size{Peers: 4, Nodes: 200, Services: 10_000}
)

// browser returns a headless Chromium.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is not installed, and CI requires it")
		}
		t.Skip("chromium is not installed")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	allocator, cancelAllocator := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancelAllocator)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	return ctx
}

// prefer makes the browser ask for "light" or "dark".
func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// witness notes what goes wrong on a page, and how long tasks and frames take, from its beginning on.
func witness() chromedp.Action[chromedp.Void] {
	const script = `
window.witness = { wrong: [], tasks: [], painted: 0 };
const note = (text) => window.witness.wrong.push(String(text));
addEventListener("error", (e) => note(e.message || "not loaded: " + (e.target.src || e.target.href)), true);
addEventListener("unhandledrejection", (e) => note(e.reason?.stack ?? e.reason));
addEventListener("securitypolicyviolation", (e) => note("policy: " + e.violatedDirective + " " + e.blockedURI));
for (const name of ["error", "warn"]) { const was = console[name]; console[name] = (...all) => { note(all.join(" ")); was(...all); }; }
new PerformanceObserver((list) => list.getEntries().forEach((e) => window.witness.tasks.push(e.duration))).observe({ type: "longtask", buffered: true });`
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// await waits until a condition on the page holds.
func await(ctx context.Context, t *testing.T, condition string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(20*time.Second))); err != nil {
		t.Fatalf("waiting for %s: %v", condition, err)
	}
}

func evaluate[T any](ctx context.Context, t *testing.T, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("evaluating %s: %v", expression, err)
	}
	return value
}

// open shows the page in a new tab, until it has its first picture.
func open(ctx context.Context, t *testing.T, url string) context.Context {
	t.Helper()
	tab, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1440, 1000), witness(), chromedp.Navigate(url)); err != nil {
		t.Fatalf("opening the page: %v", err)
	}
	t.Cleanup(func() {
		for _, wrong := range evaluate[[]string](tab, t, `window.witness.wrong`) {
			t.Errorf("the page says on its console: %s", wrong)
		}
	})
	await(tab, t, `"ready" in document.body.dataset`)
	return tab
}

// shoot writes a picture of the page, if pictures are asked for.
func shoot(ctx context.Context, t *testing.T, name string, width, height int64, scheme string) {
	t.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" {
		return
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height), prefer(scheme)); err != nil {
		t.Fatal(err)
	}
	evaluate[bool](ctx, t, `window.settled = false, setTimeout(() => requestAnimationFrame(() => { window.settled = true; }), 300), true`)
	await(ctx, t, `window.settled`)
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestThePageInABrowser(t *testing.T) {
	ctx := browser(t)
	for name, size := range map[string]sample.Size{"small": small, "mid": mid, "large": large} {
		t.Run(name, func(t *testing.T) {
			from := newSource()
			url, _ := serve(t, from)
			from.show(sample.Cluster(time.Now(), size))
			tab := open(ctx, t, url)
			for _, scheme := range []string{"light", "dark"} {
				shoot(tab, t, name, 1440, 1000, scheme)
			}
			shoot(tab, t, name, 390, 844, "light")
			one := evaluate[string](tab, t, `location.hash = "#Service/shop/web-1", "x"`)
			_ = one
			await(tab, t, `document.querySelector(".details h2") !== null`)
			shoot(tab, t, name+"-service", 1440, 1000, "light")
			shoot(tab, t, name+"-service", 390, 844, "dark")
		})
	}
}
