// SPDX-License-Identifier: Apache-2.0

package page

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// fragment is a part of the page that changes on its own. Its version follows from its content.
type fragment struct {
	ID      string        `json:"id"`
	Version string        `json:"version"`
	HTML    template.HTML `json:"html"`
}

// update is what an open page is sent.
type update struct {
	// Title is the document's title.
	Title string `json:"title"`
	// Shape changes when fragments could not be replaced one by one, so that the page has to be loaded anew.
	Shape string `json:"shape"`
	// Fragments are those that changed.
	Fragments []fragment `json:"fragments"`
}

// events sends an update whenever something changed and a sign of life when nothing did (server-sent events).
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	stream := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	sent := map[string]string{}
	tick := time.NewTicker(p.cfg.Interval)
	defer tick.Stop()
	for {
		view := p.view(p.cfg.Source(r.Context(), freshness))
		message := update{Title: view.DocumentTitle, Shape: view.Shape, Fragments: []fragment{}}
		for _, f := range view.Fragments {
			if sent[f.ID] != f.Version {
				sent[f.ID] = f.Version
				message.Fragments = append(message.Fragments, *f)
			}
		}
		if err := send(w, message); err != nil {
			return
		}
		if err := stream.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// send writes one event. JSON has no line breaks outside strings, so the event is one line.
func send(w http.ResponseWriter, message update) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "retry: 1000\ndata: %s\n\n", data)
	return err
}

// render executes a template as a fragment.
func (p *Page) render(id, name string, data any) *fragment {
	var b strings.Builder
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		p.cfg.Log.Error(err, "rendering fragment", "fragment", id)
		b.Reset()
		b.WriteString("<p>This part cannot be shown.</p>")
	}
	text := strings.TrimSpace(b.String())
	return &fragment{ID: id, Version: digest(text), HTML: template.HTML(text)}
}

func digest(parts ...string) string {
	h := fnv.New64a()
	for _, part := range parts {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{0})
	}
	return fmt.Sprintf("%x", h.Sum64())
}
