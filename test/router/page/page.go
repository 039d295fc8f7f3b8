// SPDX-License-Identifier: Apache-2.0

package page

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"metallb.io/metallb/plugin/look"
	"metallb.io/metallb/test/router/router"
)

//go:embed assets templates
var files embed.FS

// freshness is how old a reading may be that is shown or served: short enough to look immediate, long enough that many
// viewers cost little more than one.
const freshness = 500 * time.Millisecond

// Recorder is where recorded packets come from.
type Recorder interface {
	// WritePcap writes what is held as a pcap file.
	WritePcap(to io.Writer) error
	// Packets returns how many packets are held, and how many were discarded for newer ones.
	Packets() (held, discarded int)
}

// Source reads the routers, at most maxAge ago.
type Source func(ctx context.Context, maxAge time.Duration) router.Snapshot

// Config is what a page shows.
type Config struct {
	// Source reads the routers.
	Source Source
	// Recorder holds the packets; nil when they cannot be recorded.
	Recorder Recorder
	// Ports are the BGP ports recorded, named in the hint on how to read the file.
	Ports []uint16
	// Interval is how often an open page is brought up to date; 1 s when zero.
	Interval time.Duration
	// Log receives what a browser never sees.
	Log logr.Logger
}

// Page is an http.Handler.
type Page struct {
	cfg       Config
	templates *template.Template
	mux       *http.ServeMux
}

// New returns the page.
func New(cfg Config) (*Page, error) {
	if cfg.Interval == 0 {
		cfg.Interval = time.Second
	}
	templates, err := template.New("").ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("page templates: %w", err)
	}
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		return nil, fmt.Errorf("page assets: %w", err)
	}
	p := &Page{cfg: cfg, templates: templates, mux: http.NewServeMux()}
	p.mux.HandleFunc("GET /{$}", p.index)
	p.mux.HandleFunc("GET /events", p.events)
	p.mux.HandleFunc("GET /api/routers", p.api)
	p.mux.HandleFunc("GET /pcap", p.pcap)
	p.mux.HandleFunc("GET /healthz", p.healthz)
	for _, shared := range []string{"look.css", "icon.svg"} {
		p.mux.Handle("GET /assets/"+shared, http.StripPrefix("/assets/", http.FileServerFS(look.Assets())))
	}
	p.mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	return p, nil
}

// ServeHTTP implements http.Handler. The policy it sends keeps the page free of anything from elsewhere.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	look.Protect(w.Header())
	p.mux.ServeHTTP(w, r)
}

func (p *Page) index(w http.ResponseWriter, r *http.Request) {
	view := p.view(p.cfg.Source(r.Context(), freshness))
	var b strings.Builder
	if err := p.templates.ExecuteTemplate(&b, "index.html", view); err != nil {
		p.cfg.Log.Error(err, "rendering page")
		http.Error(w, "the page cannot be rendered", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, b.String())
}

// api serves the Snapshot. With ?raw=false the routers' own output is left out.
func (p *Page) api(w http.ResponseWriter, r *http.Request) {
	snapshot := p.cfg.Source(r.Context(), freshness)
	if r.URL.Query().Get("raw") == "false" {
		reports := make([]router.Report, len(snapshot.Routers))
		for i, report := range snapshot.Routers {
			report.Raw = nil
			reports[i] = report
		}
		snapshot.Routers = reports
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(snapshot); err != nil {
		p.cfg.Log.V(1).Info("serving JSON", "error", err.Error())
	}
}

func (p *Page) pcap(w http.ResponseWriter, _ *http.Request) {
	if p.cfg.Recorder == nil {
		http.Error(w, "packets are not recorded: the program lacks CAP_NET_RAW or was told not to", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.tcpdump.pcap")
	w.Header().Set("Content-Disposition", `attachment; filename="bgp.pcap"`)
	if err := p.cfg.Recorder.WritePcap(w); err != nil {
		p.cfg.Log.V(1).Info("serving packets", "error", err.Error())
	}
}

// healthz answers 200 when every router answers, else 503 and the reasons.
func (p *Page) healthz(w http.ResponseWriter, r *http.Request) {
	var problems []string
	for _, report := range p.cfg.Source(r.Context(), freshness).Routers {
		if report.Error != "" {
			problems = append(problems, report.Name+": "+report.Error)
		}
	}
	if len(problems) > 0 {
		http.Error(w, strings.Join(problems, "\n"), http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
