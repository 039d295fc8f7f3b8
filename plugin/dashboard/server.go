// SPDX-License-Identifier: Apache-2.0

package dashboard

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"metallb.io/metallb/plugin/dashboard/picture"
	"metallb.io/metallb/plugin/dashboard/store"
	"metallb.io/metallb/plugin/look"
)

//go:embed assets
var files embed.FS

// Source is where the cluster is followed; a store.Store is one.
type Source interface {
	Run(ctx context.Context, r store.Receiver) error
}

// Server serves the page.
type Server struct {
	source   Source
	listener net.Listener
	token    string
	board    *board
	// heartbeat is how often a page is told that the server is there.
	heartbeat time.Duration
}

// NotLoopbackError says that the page would be served to other computers.
type NotLoopbackError struct{ Address string }

// Error says what to do.
func (e *NotLoopbackError) Error() string {
	return fmt.Sprintf("--address=%s: must be a loopback address, such as 127.0.0.1 or ::1: the page shows what only you may read; to see it elsewhere, forward its port with ssh -L", e.Address)
}

// Listen returns a server that listens on the loopback address, on any free port if it is 0.
func Listen(ctx context.Context, address string, port uint16, source Source) (*Server, error) {
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.IsLoopback() {
		return nil, &NotLoopbackError{address}
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", netip.AddrPortFrom(ip, port).String())
	if err != nil {
		return nil, fmt.Errorf("--port=%d: %w", port, err)
	}
	return &Server{source: source, listener: listener, token: newToken(), board: newBoard(), heartbeat: 5 * time.Second}, nil
}

// URL is where the page is, with its token.
func (s *Server) URL() string { return fmt.Sprintf("http://%s/%s/", s.listener.Addr(), s.token) }

// Run serves until the context ends, or until the cluster cannot be followed, for which the error says why.
func (s *Server) Run(ctx context.Context) error {
	listens, err := netip.ParseAddrPort(s.listener.Addr().String())
	if err != nil {
		return err
	}
	group, within := errgroup.WithContext(ctx)
	server := &http.Server{
		Handler: newGuard(s.token, listens, s.routes()), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return within },
	}
	group.Go(func() error { return s.source.Run(within, s.board) })
	group.Go(func() error {
		if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-within.Done()
		// Streams end with the context, so nobody keeps the server for long.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := server.Shutdown(last); err != nil {
			return server.Close()
		}
		return nil
	})
	if err := group.Wait(); ctx.Err() == nil {
		return err
	}
	return nil // Somebody has seen enough.
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	assets, err := fs.Sub(files, "assets")
	if err != nil {
		panic(err) // The folder is embedded.
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, assets, "page.html") })
	mux.Handle("GET /assets/", http.StripPrefix("/assets/", http.FileServerFS(assets)))
	mux.Handle("GET /look/", http.StripPrefix("/look/", http.FileServerFS(look.Assets())))
	mux.HandleFunc("GET /api/events", s.events)
	mux.HandleFunc("GET /api/services", s.answer(func(now shown, r *http.Request) (any, bool) {
		return now.picture.Services(picture.ServiceQuery{
			Text: r.FormValue("text"), Namespace: r.FormValue("namespace"), Level: picture.Level(r.FormValue("level")), Page: page(r),
		}), true
	}))
	mux.HandleFunc("GET /api/sessions", s.answer(func(now shown, r *http.Request) (any, bool) {
		return now.picture.Sessions(picture.SessionQuery{
			Peer: r.FormValue("peer"), Node: r.FormValue("node"), Level: picture.Level(r.FormValue("level")), Page: page(r),
		}, now.answered), true
	}))
	mux.HandleFunc("GET /api/search", s.answer(func(now shown, r *http.Request) (any, bool) { return now.picture.Search(r.FormValue("text")), true }))
	mux.HandleFunc("GET /api/details", s.answer(func(now shown, r *http.Request) (any, bool) {
		return now.picture.Details(r.FormValue("kind"), r.FormValue("namespace"), r.FormValue("name"))
	}))
	return mux
}

// maxPage is how many rows of a list are answered at most.
const maxPage = 100

// page returns the part of a list that is asked for. A number that is none counts as not given.
func page(r *http.Request) picture.Page {
	number := func(name string, otherwise int) int {
		n, err := strconv.Atoi(r.FormValue(name))
		if err != nil {
			return otherwise
		}
		return n
	}
	return picture.Page{Offset: number("offset", 0), Limit: min(number("limit", maxPage), maxPage)}
}

// answer returns what answers by what is shown now: 404 if it has not what is asked for, 503 if there is no picture yet.
func (s *Server) answer(of func(shown, *http.Request) (any, bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := s.board.now()
		if now.picture == nil {
			http.Error(w, "the cluster is being read", http.StatusServiceUnavailable)
			return
		}
		value, found := of(now, r)
		if !found {
			http.Error(w, fmt.Sprintf("there is no %s %s any more", cmp.Or(r.FormValue("kind"), "object"), r.FormValue("name")), http.StatusNotFound)
			return
		}
		text, err := json.Marshal(value)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // A browser that is gone needs no answer.
	}
}
