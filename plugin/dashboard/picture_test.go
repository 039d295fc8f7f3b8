// SPDX-License-Identifier: Apache-2.0

package dashboard_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"metallb.io/metallb/plugin/dashboard/sample"
	"metallb.io/metallb/test/browser"
)

// picturesVariable names the directory for the pictures of the documentation. To draw them anew:
//
//	DASHBOARD_PICTURES=$PWD/docs/images go test ./plugin/dashboard -run Pictures -count 1
const picturesVariable = "DASHBOARD_PICTURES"

func TestPicturesForTheDocumentation(t *testing.T) {
	dir := os.Getenv(picturesVariable)
	if dir == "" {
		t.Skipf("%s names no directory for the pictures", picturesVariable)
	}
	ctx := browser.Start(t, chromedp.Flag("hide-scrollbars", true))
	for _, one := range []struct {
		file, scheme, selected string
		size                   sample.Size
		width, height          int64
	}{
		{"dashboard.png", "light", "#Namespace//shop", large, 1600, 1040},
		{"dashboard-dark.png", "dark", "#Service/shop/web-1", small, 1280, 980},
	} {
		t.Run(one.file, func(t *testing.T) {
			from := newSource()
			url, _ := serve(t, from)
			from.show(sample.Cluster(time.Now(), one.size))
			tab := open(ctx, t, url)
			if err := chromedp.Do(tab, chromedp.EmulateViewport(one.width, one.height), browser.Prefer(one.scheme)); err != nil {
				t.Fatal(err)
			}
			browser.Evaluate[string](tab, t, fmt.Sprintf(`location.hash = %q`, one.selected))
			browser.Await(tab, t, title+` !== undefined && document.querySelector(".edge") !== null`)
			browser.Evaluate[bool](tab, t, `document.activeElement.blur(), setTimeout(() => { window.settled = true; }, 500), true`)
			browser.Await(tab, t, `window.settled`)
			png, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, one.file), png, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
}
