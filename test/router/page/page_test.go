// SPDX-License-Identifier: Apache-2.0

package page_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/router/page"
	"metallb.io/metallb/test/router/router"
)

func handler(t *testing.T, s *source, recorder page.Recorder) http.Handler {
	t.Helper()
	p, err := page.New(page.Config{Source: s.read, Recorder: recorder, Ports: []uint16{179}, Interval: time.Millisecond, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	return w
}

func TestPageSaysWhatTheRoutersThink(t *testing.T) {
	t.Parallel()
	tests := map[state]struct{ want, wantNo []string }{
		notConnected: {
			want:   []string{">not connected<", "peerAddress: 10.96.0.100", "peerAddress: 10.96.0.101", "peerASN: 64512", "No node has connected so far", "no node yet"},
			wantNo: []string{"peerPort"},
		},
		toldNothing: {want: []string{">connected, but told nothing<", "A prefix appears once a <code>Service</code>", "announces nothing"}},
		connected: {
			want:   []string{">connected<", "198.51.100.0/32", "2001:db8::1/128", "<b>node-3</b>", "64512:1:2", "ID 172.30.0.11", "3 neighbours announce 3 prefixes."},
			wantNo: []string{"Session lost"},
		},
		bothFamilies: {
			want:   []string{"fd00:198:51:100::1/128", "fd00:172:30::12", "ID 172.30.0.12", "6 neighbours announce 3 prefixes.", "<b>node-2</b> <span class=\"mono hop\">fd00:172:30::12</span>"},
			wantNo: []string{"Session lost"},
		},
		lostFamily: {
			want:   []string{"Session lost: <b>node-2</b> (IPv6).", "IPv6 session lost", "session over IPv6 lost, announces 1 prefix", "Hold timer expired"},
			wantNo: []string{"(IPv4)", "IPv4 session lost"},
		},
		lostNode:   {want: []string{"Session lost: <b>node-2</b>", "<em>kept</em>", "Socket: Connection closed", "lost, 2 prefixes kept"}},
		notRunning: {want: []string{">not running<", "Address already in use", "it does not answer"}},
		manyNodes:  {want: []string{"and 50 more", "and 8 more", "node-12"}, wantNo: []string{"198.51.100.249/32"}},
		forwarding: {want: []string{"BIRD puts what the nodes announce into the kernel", "traffic flows", "nodes of any AS but 64513", "172.30.0.2:179, [fd00:30::2]:179"}},
	}
	for st, tt := range tests {
		t.Run(string(st), func(t *testing.T) {
			t.Parallel()
			body := get(t, handler(t, &source{state: st}, packets{}), "/").Body.String()
			for _, w := range tt.want {
				if !strings.Contains(body, w) {
					t.Errorf("%q is missing", w)
				}
			}
			for _, w := range tt.wantNo {
				if strings.Contains(body, w) {
					t.Errorf("%q is there", w)
				}
			}
		})
	}
}

func TestRouterOutputCannotBecomeMarkup(t *testing.T) {
	t.Parallel()
	evil := `<script>alert(1)</script>`
	p, err := page.New(page.Config{Log: logr.Discard(), Source: func(context.Context, time.Duration) router.Snapshot {
		return router.Snapshot{Title: evil, Routers: []router.Report{{
			Name: "bird", Software: "BIRD", Error: evil, Raw: []router.Output{{Command: evil, Text: evil}},
			Neighbors: []router.Neighbor{{Node: evil, State: evil, LastError: evil}},
		}}, Nodes: []router.Node{{Name: evil, Links: []router.Link{{Router: "bird", Known: true}}}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if body := get(t, p, "/").Body.String(); strings.Contains(body, evil) {
		t.Error("it did")
	}
}

func TestPageAllowsNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	h := handler(t, &source{state: connected}, packets{})
	response := get(t, h, "/")
	if policy := response.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for _, asset := range []string{"/assets/page.css", "/assets/page.js", "/assets/icon.svg"} {
		if !strings.Contains(response.Body.String(), `"`+asset+`"`) || get(t, h, asset).Code != http.StatusOK {
			t.Errorf("%s is not both used and served", asset)
		}
	}
	if code := get(t, h, "/nothing").Code; code != http.StatusNotFound {
		t.Errorf("an unknown path is answered with %d", code)
	}
}

func TestJSONIsTheSameWithOrWithoutRawOutput(t *testing.T) {
	t.Parallel()
	h := handler(t, &source{state: connected}, packets{})
	for path, raw := range map[string]bool{"/api/routers": true, "/api/routers?raw=false": false} {
		response := get(t, h, path)
		var got router.Snapshot
		if err := json.Unmarshal(response.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		want := snapshot(t.Context(), connected)
		if !raw {
			for i := range want.Routers {
				want.Routers[i].Raw = nil
			}
		}
		wantJSON, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		gotJSON, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(wantJSON), string(gotJSON)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestHealthFollowsTheDaemons(t *testing.T) {
	t.Parallel()
	if response := get(t, handler(t, &source{state: notConnected}, nil), "/healthz"); response.Code != http.StatusOK {
		t.Errorf("a router that nobody has connected to is answered with %d", response.Code)
	}
	response := get(t, handler(t, &source{state: notRunning}, nil), "/healthz")
	if response.Code != http.StatusServiceUnavailable || !strings.Contains(response.Body.String(), "frr: bgpd: exit status 1") {
		t.Errorf("a daemon that died: %d %s", response.Code, response.Body)
	}
}

func TestPacketsAreADownload(t *testing.T) {
	t.Parallel()
	response := get(t, handler(t, &source{}, packets{}), "/pcap")
	if response.Body.String() != "pcap" || !strings.Contains(response.Header().Get("Content-Disposition"), "bgp.pcap") {
		t.Errorf("%v %s", response.Header(), response.Body)
	}
	without := handler(t, &source{state: connected}, nil)
	if response := get(t, without, "/pcap"); response.Code != http.StatusServiceUnavailable {
		t.Errorf("without a recorder: %d", response.Code)
	}
	if body := get(t, without, "/").Body.String(); !strings.Contains(body, "BGP packets are not recorded here") {
		t.Error("the page offers packets that are not recorded")
	}
}

func TestHintOnPacketsNamesPortsThatToolsDoNotKnow(t *testing.T) {
	t.Parallel()
	p, err := page.New(page.Config{Source: (&source{state: connected}).read, Recorder: packets{}, Ports: []uint16{179, 1180}, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	if body := get(t, p, "/").Body.String(); !strings.Contains(body, "tshark -r bgp.pcap -d tcp.port==1180,bgp -Y bgp") {
		t.Error("it does not")
	}
}

// event is what the page's script reads.
type event struct {
	Title     string
	Shape     string
	Fragments []struct{ ID, HTML string }
}

func TestEventsCarryWhatChanged(t *testing.T) {
	t.Parallel()
	s := &source{state: connected}
	server := httptest.NewServer(handler(t, s, packets{}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)

	first := next(t, lines)
	if len(first.Fragments) != 10 || !strings.HasPrefix(first.Title, "BIRD: connected · FRR: connected") {
		t.Errorf("first: %d fragments, %q", len(first.Fragments), first.Title)
	}
	if again := next(t, lines); len(again.Fragments) != 0 {
		t.Errorf("nothing changed, and %d fragments were sent", len(again.Fragments))
	}
	s.set(notRunning)
	changed := next(t, lines)
	for len(changed.Fragments) == 0 {
		changed = next(t, lines)
	}
	ids := map[string]string{}
	for _, f := range changed.Fragments {
		ids[f.ID] = f.HTML
	}
	if !strings.Contains(ids["frr-verdict"], "not running") || ids["bird-verdict"] != "" || ids["map"] == "" || changed.Shape != first.Shape {
		t.Errorf("changed: %v", ids)
	}
}

// next reads one event.
func next(t *testing.T, lines *bufio.Reader) event {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if data, found := strings.CutPrefix(line, "data: "); found {
			var e event
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Fatal(err)
			}
			return e
		}
	}
}
