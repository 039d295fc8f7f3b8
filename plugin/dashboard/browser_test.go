// SPDX-License-Identifier: Apache-2.0

package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/dashboard/sample"
	"metallb.io/metallb/test/browser"
)

// screenshots names the directory to write pictures of the page to; empty writes none.
const screenshots = "DASHBOARD_SCREENSHOTS"

var (
	small = sample.Size{Peers: 2, Nodes: 3, Services: 8}
	mid   = sample.Size{Peers: 2, Nodes: 12, Services: 22}
	large = sample.Size{Peers: 4, Nodes: 200, Services: 10_000}
)

// witness notes what goes wrong on a page, and how long tasks and frames take, from its beginning on.
func witness() chromedp.Action[chromedp.Void] {
	const script = `
window.witness = { wrong: [], tasks: [] };
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

// open shows the page in a new tab, until it has its first picture.
func open(ctx context.Context, t *testing.T, url string) context.Context {
	t.Helper()
	tab, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1440, 1000), witness(), chromedp.Navigate(url)); err != nil {
		t.Fatalf("opening the page: %v", err)
	}
	t.Cleanup(func() {
		for _, wrong := range browser.Evaluate[[]string](tab, t, `window.witness.wrong`) {
			t.Errorf("the page says on its console: %s", wrong)
		}
	})
	browser.Await(tab, t, `"ready" in document.body.dataset`)
	return tab
}

// shoot writes a picture of the page, if pictures are asked for.
func shoot(ctx context.Context, t *testing.T, name string, width, height int64, scheme string) {
	t.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" {
		return
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height), browser.Prefer(scheme)); err != nil {
		t.Fatal(err)
	}
	browser.Evaluate[bool](ctx, t, `window.settled = false, setTimeout(() => requestAnimationFrame(() => { window.settled = true; }), 300), true`)
	browser.Await(ctx, t, `window.settled`)
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestThePageInABrowser drives the page in one headless Chromium, in a tab for each part.
func TestThePageInABrowser(t *testing.T) {
	ctx := browser.Start(t, chromedp.Flag("hide-scrollbars", true))
	t.Run("fits every width", func(t *testing.T) { fitsEveryWidth(ctx, t) })
	t.Run("works by keyboard", func(t *testing.T) { worksByKeyboard(ctx, t) })
	t.Run("is light or dark", func(t *testing.T) { isLightOrDark(ctx, t) })
	t.Run("follows the cluster without reload", func(t *testing.T) { followsTheCluster(ctx, t) })
	t.Run("says when it is not live", func(t *testing.T) { saysWhenItIsNotLive(ctx, t) })
	t.Run("asks nobody else", func(t *testing.T) { asksNobodyElse(ctx, t) })
	t.Run("stays quick with many services", func(t *testing.T) { staysQuick(ctx, t) })
}

// widest names the element that makes the page scroll sideways; empty when it does not.
const widest = `(() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return "";
  const out = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > room + 1 && !e.closest(".command"));
  return out.map(e => e.tagName + "." + e.getAttribute("class")).join(" ") || "something";
})()`

func fitsEveryWidth(ctx context.Context, t *testing.T) {
	t.Helper()
	for name, size := range map[string]sample.Size{"empty": {}, "small": small, "mid": mid, "large": large} {
		t.Run(name, func(t *testing.T) {
			from := newSource()
			url, _ := serve(t, from)
			from.show(sample.Cluster(time.Now(), size))
			tab := open(ctx, t, url)
			for _, selected := range []string{"", "#Service/shop/web-1", "#Pool//production", "#Namespace//shop"} {
				if size.Services == 0 && selected != "" {
					continue
				}
				browser.Evaluate[string](tab, t, fmt.Sprintf(`location.hash = %q`, selected))
				browser.Await(tab, t, fmt.Sprintf(`(document.querySelector(".details h2") !== null) === (%q !== "")`, selected))
				for _, width := range []int64{1440, 1024, 768, 390, 360} {
					if err := chromedp.Do(tab, chromedp.EmulateViewport(width, 900)); err != nil {
						t.Fatal(err)
					}
					if overflow := browser.Evaluate[string](tab, t, widest); overflow != "" {
						t.Errorf("with %q at width %d the page scrolls sideways because of %s", selected, width, overflow)
					}
				}
				kind, _, _ := strings.Cut(strings.TrimPrefix(selected, "#"), "/")
				shoot(tab, t, name+kind, 1440, 1000, "light")
				shoot(tab, t, name+kind, 1440, 1000, "dark")
				shoot(tab, t, name+kind, 390, 844, "light")
			}
		})
	}
}

func press(ctx context.Context, t *testing.T, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := chromedp.Do(ctx, chromedp.KeyEvent(key)); err != nil {
			t.Fatal(err)
		}
	}
}

// stroke presses a key as people do: what it means to the page and the letter that it types are one event, which the page may take for itself.
func stroke(key string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key, Text: key})
		return err
	})
}

const (
	title   = `document.querySelector(".details:not([hidden]) h2")?.textContent`
	focused = `document.activeElement.dataset.key`
)

func worksByKeyboard(ctx context.Context, t *testing.T) {
	t.Helper()
	from := newSource()
	url, _ := serve(t, from)
	from.show(sample.Cluster(time.Now(), mid))
	tab := open(ctx, t, url)
	if err := chromedp.Do(tab, stroke("/")); err != nil {
		t.Fatal(err)
	}
	press(tab, t, "web-")
	browser.Await(tab, t, `document.getElementById("found").dataset.text === "web-" && document.querySelectorAll("#found [role=option]").length > 2`)
	press(tab, t, kb.ArrowDown, kb.ArrowDown, kb.ArrowUp)
	browser.Await(tab, t, `document.querySelector("#found-1").getAttribute("aria-selected") === "true"`)
	want := browser.Evaluate[string](tab, t, `document.querySelector("#found-1 .label").textContent`)
	press(tab, t, kb.Enter)
	browser.Await(tab, t, fmt.Sprintf(`%s === %q`, title, want))
	press(tab, t, kb.Escape)
	browser.Await(tab, t, title+` === undefined`)
	browser.Await(tab, t, fmt.Sprintf(`%s === %q`, focused, "Service/"+want))
	press(tab, t, kb.ArrowLeft)
	browser.Await(tab, t, focused+`.startsWith("Node/")`)
	press(tab, t, kb.ArrowDown, kb.ArrowLeft)
	browser.Await(tab, t, focused+`.startsWith("Peer/")`)
	press(tab, t, kb.Enter)
	browser.Await(tab, t, title+`?.startsWith("spine-")`)
	press(tab, t, "?")
	browser.Await(tab, t, `document.getElementById("keys").open`)
	press(tab, t, kb.Escape)
	browser.Await(tab, t, `!document.getElementById("keys").open && document.querySelector(".details h2") !== null`)
	if err := chromedp.Do(tab, chromedp.NavigateBack()); err != nil {
		t.Fatal(err)
	}
	browser.Await(tab, t, title+` === undefined`)
}

// ground is how bright the page's background is, from 0 to 255.
const ground = `Number(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0])`

func isLightOrDark(ctx context.Context, t *testing.T) {
	t.Helper()
	from := newSource()
	url, _ := serve(t, from)
	from.show(sample.Cluster(time.Now(), small))
	tab := open(ctx, t, url)
	for _, step := range []struct {
		name string
		do   chromedp.Action[chromedp.Void]
		want string
	}{
		{"dark is preferred", browser.Prefer("dark"), ground + " < 60"},
		{"light is preferred", browser.Prefer("light"), ground + " > 200"},
		{"the key is pressed", chromedp.KeyEvent("t"), ground + " < 60"},
		{"the page is opened again", chromedp.Reload(), `"ready" in document.body.dataset && ` + ground + " < 60"},
		{"the key is pressed again", chromedp.KeyEvent("t"), ground + " > 200"},
	} {
		if err := chromedp.Do(tab, step.do); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		browser.Await(tab, t, step.want)
	}
	browser.Evaluate[bool](tab, t, `localStorage.clear(), true`)
}

func followsTheCluster(ctx context.Context, t *testing.T) {
	t.Helper()
	from := newSource()
	url, _ := serve(t, from)
	c := sample.Cluster(time.Now(), small)
	from.show(c)
	tab := open(ctx, t, url)
	browser.Await(tab, t, `document.querySelector(".verdict .word").textContent === "All is well"`)
	browser.Evaluate[bool](tab, t, `window.stays = true`)
	c = sample.Cluster(time.Now(), small)
	c.Sessions[0].Status.State, c.Sessions[0].Status.LastError = v1beta1.SessionActive, "the peer closed the connection"
	sample.Count(c)
	from.show(c)
	browser.Await(tab, t, `document.querySelector(".verdict .word").textContent === "1 thing to look at"`)
	browser.Await(tab, t, `document.querySelector(".edge.bad") !== null && document.querySelector("#changes li.bad") !== null`)
	browser.Await(tab, t, `document.querySelector("#sessions li.bad .why")?.textContent === "the peer closed the connection"`)
	from.show(sample.Cluster(time.Now(), small))
	browser.Await(tab, t, `document.querySelector(".verdict .word").textContent === "All is well" && document.querySelector("#canvas .edge.bad") === null`)
	if !browser.Evaluate[bool](tab, t, `window.stays === true`) {
		t.Error("the page was loaded anew")
	}
}

func saysWhenItIsNotLive(ctx context.Context, t *testing.T) {
	t.Helper()
	from := newSource()
	url, stop := serve(t, from)
	from.show(sample.Cluster(time.Now(), small))
	tab := open(ctx, t, url)
	from.answer(errors.New("connection refused"))
	browser.Await(tab, t, `document.getElementById("stale").textContent.includes("connection refused")`)
	from.answer(nil)
	browser.Await(tab, t, `document.getElementById("stale").hidden && document.getElementById("live-text").textContent.startsWith("live ")`)
	c := sample.Cluster(time.Now(), small)
	c.Unwatched = []cluster.Part{cluster.Services}
	from.show(c)
	browser.Await(tab, t, `document.querySelector(".verdict .why")?.textContent.startsWith("services: you may not watch this")`)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	browser.Await(tab, t, `document.getElementById("stale").textContent.startsWith("Lost the connection") && document.body.classList.contains("is-stale")`)
	browser.Evaluate[bool](tab, t, `window.witness.wrong = [], true`) // That the server is gone may be noted.
}

func asksNobodyElse(ctx context.Context, t *testing.T) {
	t.Helper()
	from := newSource()
	url, _ := serve(t, from)
	from.show(sample.Cluster(time.Now(), mid))
	tab := open(ctx, t, url+"#Service/shop/web-1")
	browser.Await(tab, t, title+` === "shop/web-1"`)
	for _, asked := range browser.Evaluate[[]string](tab, t, `performance.getEntries().map(e => e.name).filter(n => n.includes(":"))`) {
		if !strings.HasPrefix(asked, url) {
			t.Errorf("the page asked for %s", asked)
		}
	}
}

// staysQuick measures; what it finds depends on the machine, so it is only told.
func staysQuick(ctx context.Context, t *testing.T) {
	t.Helper()
	from := newSource()
	url, _ := serve(t, from)
	began := time.Now()
	from.show(sample.Cluster(time.Now(), large))
	tab := open(ctx, t, url)
	t.Logf("%d services, %d nodes: the whole, with making the cluster, %v", large.Services, large.Nodes, time.Since(began))
	t.Logf("from the first request to the picture: %.0f ms", browser.Evaluate[float64](tab, t, `Number(document.body.dataset.ready)`))
	browser.Evaluate[bool](tab, t, `window.frames = [], window.witness.tasks = [], (function next(last) {
		requestAnimationFrame((now) => { window.frames.push(now - last); next(now); });
	})(performance.now()), true`)
	for i := range 10 {
		c := sample.Cluster(time.Now(), large)
		session := &c.Sessions[i*7].Status
		session.State, session.LastError = v1beta1.SessionActive, fmt.Sprintf("lost for the time %d", i)
		sample.Count(c)
		from.show(c)
		browser.Await(tab, t, fmt.Sprintf(`document.querySelector("#changes").textContent.includes("lost for the time %d")`, i))
	}
	t.Logf("ten changes: frames of %.0f ms in the middle, %.0f ms at most; long tasks %v ms",
		browser.Evaluate[float64](tab, t, `window.frames.sort((a, b) => a - b)[Math.floor(window.frames.length / 2)]`), browser.Evaluate[float64](tab, t, `Math.max(...window.frames)`),
		browser.Evaluate[[]float64](tab, t, `window.witness.tasks`))
	t.Logf("heap of the page: %.1f MiB, elements: %.0f", browser.Evaluate[float64](tab, t, `performance.memory.usedJSHeapSize / 1048576`), browser.Evaluate[float64](tab, t, `document.querySelectorAll("*").length`))
}
