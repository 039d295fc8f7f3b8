// SPDX-License-Identifier: Apache-2.0

package dashboard_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/dashboard"
	"metallb.io/metallb/plugin/dashboard/picture"
	"metallb.io/metallb/plugin/dashboard/sample"
	"metallb.io/metallb/plugin/dashboard/store"
)

var moment = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// browse sends a request as a browser would, without keeping the connection.
func browse(t *testing.T, method, url string, change func(*http.Request)) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	if change != nil {
		change(request)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func TestWhoIsServed(t *testing.T) {
	from := newSource()
	url, _ := serve(t, from)
	from.show(sample.Cluster(moment, small))
	base, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	port := base[strings.LastIndexByte(base, ':'):]
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, test := range map[string]struct {
		method, url string
		change      func(*http.Request)
		want        int
	}{
		"the page":                           {"GET", url, nil, 200},
		"its head":                           {"HEAD", url, nil, 200},
		"an asset":                           {"GET", url + "assets/main.js", nil, 200},
		"the looks":                          {"GET", url + "look/look.css", nil, 200},
		"without the last slash":             {"GET", strings.TrimSuffix(url, "/"), nil, 302},
		"by the name localhost":              {"GET", url, func(r *http.Request) { r.Host = "localhost" + port }, 200},
		"the page's own requests":            {"GET", url, header("Origin", "http://"+base), 200},
		"no token":                           {"GET", "http://" + base + "/", nil, 403},
		"no token, of an asset":              {"GET", "http://" + base + "/assets/main.js", nil, 403},
		"another token":                      {"GET", "http://" + base + "/ABCDEFGHIJKLMNOPQRSTUVWXYZ/", nil, 403},
		"a part of the token":                {"GET", url[:len(url)-2] + "/", nil, 403},
		"a name that was made to point here": {"GET", url, func(r *http.Request) { r.Host = "attacker.example" + port }, 403},
		"another port of this computer":      {"GET", url, func(r *http.Request) { r.Host = "127.0.0.1:1" }, 403},
		"another site":                       {"GET", url, header("Origin", "http://attacker.example"), 403},
		"a site that hides where it is":      {"GET", url, header("Origin", "null"), 403},
		"a page of another port":             {"GET", url, header("Origin", "http://127.0.0.1:1"), 403},
		"what another site embeds":           {"GET", url, header("Sec-Fetch-Site", "cross-site"), 403},
		"writing":                            {"POST", url, nil, 405},
		"deleting":                           {"DELETE", url + "api/details", nil, 405},
		"nothing":                            {"GET", url + "nothing", nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			response := browse(t, test.method, test.url, test.change)
			if response.StatusCode != test.want {
				t.Errorf("status %d, want %d", response.StatusCode, test.want)
			}
			for header, part := range map[string]string{
				"Content-Security-Policy": "frame-ancestors 'none'", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			} {
				if got := response.Header.Get(header); !strings.Contains(got, part) {
					t.Errorf("%s: %q", header, got)
				}
			}
		})
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	for _, address := range []string{"0.0.0.0", "::", "192.0.2.1", "localhost", ""} {
		var want *dashboard.NotLoopbackError
		if _, err := dashboard.Listen(t.Context(), address, 0, newSource()); !errors.As(err, &want) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestTheServerEndsWhenTheClusterCannotBeFollowed(t *testing.T) {
	from := newSource()
	server, err := dashboard.Listen(t.Context(), "127.0.0.1", 0, from)
	if err != nil {
		t.Fatal(err)
	}
	want := errors.New("not installed")
	from.told <- func(store.Receiver) error { return want }
	if err := server.Run(t.Context()); !errors.Is(err, want) {
		t.Errorf("%v", err)
	}
}

func TestThereIsNoAnswerBeforeThereIsAPicture(t *testing.T) {
	url, _ := serve(t, newSource())
	if got := browse(t, "GET", url+"api/services", nil).StatusCode; got != http.StatusServiceUnavailable {
		t.Errorf("status %d", got)
	}
}

// event is one that a page is sent.
type event struct {
	name string
	data json.RawMessage
}

// listen returns the events that a page is sent, until the stream ends.
func listen(t *testing.T, url string) <-chan event {
	t.Helper()
	response := browse(t, "GET", url+"api/events", nil)
	events := make(chan event, 64)
	go func() {
		defer close(events)
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<24)
		var e event
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "data":
				e.data = json.RawMessage(value)
			case "":
				events <- e
			}
		}
	}()
	return events
}

// await returns the next event of the name.
func next(t *testing.T, events <-chan event, name string) json.RawMessage {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatalf("the stream ends before an event %q", name)
			}
			if e.name == name {
				return e.data
			}
		case <-late:
			t.Fatalf("no event %q", name)
		}
	}
}

func TestAPageIsSentWhatChanges(t *testing.T) {
	from := newSource()
	url, stop := serve(t, from)
	from.show(sample.Cluster(moment, large))
	events := listen(t, url)
	var front picture.Front
	if err := json.Unmarshal(next(t, events, "front"), &front); err != nil || len(front.Nodes) != large.Nodes {
		t.Fatalf("%d nodes, %v", len(front.Nodes), err)
	}
	c := sample.Cluster(moment, large)
	c.Now = moment.Add(time.Second)
	c.Sessions[0].Status.State, c.Sessions[0].Status.LastError = v1beta1.SessionActive, "the peer closed the connection"
	sample.Count(c)
	from.show(c)
	change := next(t, events, "change")
	var patch struct {
		Nodes map[string]struct {
			Level picture.Level `json:"level"`
		} `json:"nodes"`
	}
	if err := json.Unmarshal(change, &patch); err != nil {
		t.Fatal(err)
	}
	if got := patch.Nodes["node-1"].Level; len(patch.Nodes) != 1 || got != picture.Warn {
		t.Errorf("nodes %+v", patch.Nodes)
	}
	if limit := 16 << 10; len(change) > limit {
		t.Errorf("the change has %d bytes, more than %d: %s", len(change), limit, change)
	}
	from.answer(errors.New("connection refused"))
	for {
		var life struct{ Failure string }
		if err := json.Unmarshal(next(t, events, "life"), &life); err != nil {
			t.Fatal(err)
		}
		if life.Failure != "" {
			if life.Failure != "connection refused" {
				t.Errorf("failure %q", life.Failure)
			}
			break
		}
	}
	if err := stop(); err != nil {
		t.Errorf("the server ends with %v", err)
	}
	for range events { // The stream ends with the server, or the test does not.
	}
}

func TestQuestionsAreAnswered(t *testing.T) {
	from := newSource()
	url, _ := serve(t, from)
	from.show(sample.Cluster(moment, mid))
	next(t, listen(t, url), "front")
	for question, test := range map[string]struct {
		status int
		total  int
	}{
		"services?namespace=billing":                       {200, 2},
		"services?limit=1000000&offset=nothing":            {200, 22},
		"services?level=bad&limit=1":                       {200, 2},
		"sessions?peer=spine-1&limit=3":                    {200, 12},
		"search?text=node":                                 {200, 0},
		"details?kind=Service&namespace=shop&name=web-1":   {200, 0},
		"details?kind=Service&namespace=shop&name=nothing": {404, 0},
		"details": {404, 0},
	} {
		response := browse(t, "GET", url+"api/"+question, nil)
		var got struct{ Total int }
		if strings.HasPrefix(question, "s") && !strings.HasPrefix(question, "search") {
			if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
				t.Errorf("%s: %v", question, err)
			}
		}
		if diff := cmp.Diff([]int{test.status, test.total}, []int{response.StatusCode, got.Total}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", question, diff)
		}
	}
}
