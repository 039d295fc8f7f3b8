// SPDX-License-Identifier: Apache-2.0

package process

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"metallb.io/metallb/internal/version"
)

func TestVariablesThatAreNoSettings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		environ       []string
		want, refused string
	}{
		"are not those of others":      {environ: []string{"PATH=/bin", "METALLB=x", "HOME=/"}},
		"are not settings":             {environ: []string{"METALLB_LOG_LEVEL=debug", "METALLB_NAMESPACE=lb"}},
		"are those of another program": {environ: []string{"METALLB_ML_LABELS=a", "METALLB_LEADER_ELECT=true"}, want: "METALLB_LEADER_ELECT METALLB_ML_LABELS"},
		"are not those that Kubernetes sets for a Service": {environ: []string{
			"METALLB_WEBHOOK_SERVICE_SERVICE_HOST=10.96.0.7", "METALLB_WEBHOOK_SERVICE_SERVICE_PORT=443", "METALLB_WEBHOOK_SERVICE_SERVICE_PORT_WEBHOOK=443",
			"METALLB_WEBHOOK_SERVICE_PORT=tcp://10.96.0.7:443", "METALLB_WEBHOOK_SERVICE_PORT_443_TCP=tcp://10.96.0.7:443",
			"METALLB_WEBHOOK_SERVICE_PORT_443_TCP_ADDR=10.96.0.7",
		}},
		"are misspelt":                     {environ: []string{"METALLB_LOG_LEVE=debug"}, refused: "METALLB_LOG_LEVE=debug: unknown setting; did you mean METALLB_LOG_LEVEL? See --help"},
		"are long and misspelt":            {environ: []string{"METALLB_METRIC_BINDADDRESS=:9"}, refused: "METALLB_METRIC_BINDADDRESS=:9: unknown setting; did you mean METALLB_METRICS_BIND_ADDRESS? See --help"},
		"are short and like another":       {environ: []string{"METALLB_XY_CLASS=a"}, want: "METALLB_XY_CLASS"},
		"are another's, with much in them": {environ: []string{"METALLB_SPEAKER_SERVICE_PORT=9"}, want: "METALLB_SPEAKER_SERVICE_PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := painter()
			p.Environ = tc.environ
			settings, err := p.parse(nil, environment(nil))
			if tc.refused != "" {
				if err == nil || err.Error() != tc.refused {
					t.Errorf("error %v, want %s", err, tc.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, joined(settings.strangers)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func joined(names []string) string {
	var text string
	for i, name := range names {
		if i > 0 {
			text += " "
		}
		text += name
	}
	return text
}

// port is the setting of a program whose variable a Service might take.
type port struct{ number int }

func (p *port) Register(flags *flag.FlagSet) {
	flags.IntVar(&p.number, "webhook-port", 9443, "`port`")
}
func (*port) Complete(*Settings, func(string) string) error { return nil }

func TestTheAddressOfAServiceIsNoSetting(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value string
		want  int
	}{
		"an address": {"tcp://10.96.0.7:443", 9443},
		"a number":   {"8443", 8443},
		"nothing":    {"", 9443},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := &port{}
			p := &Program{Name: "server", Options: options}
			if _, err := p.parse(nil, environment(map[string]string{"METALLB_WEBHOOK_PORT": tc.value})); err != nil || options.number != tc.want {
				t.Errorf("port %d, error %v; want %d", options.number, err, tc.want)
			}
		})
	}
}

func TestTheAPIServerIsToldWhoAsksAndNotToCompress(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	content := `{"clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}],"contexts":[{"name":"c","context":{"cluster":"c"}}],"current-context":"c"}`
	if err := os.WriteFile(kubeconfig, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", kubeconfig)
	config, err := clusterConfig(os.Getenv, "painter")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(version.UserAgent("painter"), config.UserAgent); diff != "" {
		t.Errorf("the program (-want +got):\n%s", diff)
	}
	if !config.DisableCompression {
		t.Error("it is to compress its answers")
	}
}

func TestTheElectionOfALeaderTellsTheProgramToo(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.UserAgent() }))
	defer server.Close()
	config := &rest.Config{Host: server.URL}
	identify(config, "painter")
	for name, tc := range map[string]struct {
		config *rest.Config
		want   string
	}{
		"the program":  {config, version.UserAgent("painter")},
		"the election": {rest.AddUserAgent(rest.CopyConfig(config), "leader-election"), version.UserAgent("painter") + "/leader-election"},
	} {
		client, err := rest.HTTPClientFor(tc.config)
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if diff := cmp.Diff(tc.want, <-asked); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAPortIsTakenByWhatServesOnIt(t *testing.T) {
	t.Parallel()
	p := painter()
	s, err := p.parse([]string{"--debug-bind-address=127.0.0.1:9"}, environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[int]string{
		9: "--debug-bind-address=127.0.0.1:9", 7472: "--metrics-bind-address=:7472", 7473: "--health-probe-bind-address=:7473", 9443: "",
	} {
		if got := s.Serving(number); got != want {
			t.Errorf("port %d is taken by %q, want %q", number, got, want)
		}
	}
}
