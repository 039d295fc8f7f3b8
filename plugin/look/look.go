// SPDX-License-Identifier: Apache-2.0

package look

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed assets
var files embed.FS

// Assets are the style sheet look.css and icon.svg.
func Assets() fs.FS {
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err) // The folder is embedded.
	}
	return assets
}

// policy allows a page nothing but what its own server has.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Protect sets the headers by which a browser loads nothing from elsewhere into the page, shows it in no frame, keeps nothing of it, and tells nobody
// where it is.
func Protect(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
}
