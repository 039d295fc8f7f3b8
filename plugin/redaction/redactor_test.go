// SPDX-License-Identifier: Apache-2.0

package redaction_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/plugin/redaction"
)

func TestObjectsLoseTheirPasswords(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ object, want string }{
		"a password in a spec, whatever its depth": {
			`{"spec": {"peerAddress": "192.0.2.1", "password": "hunter22", "object": {"password": "hunter23"}}}`,
			`{"spec": {"peerAddress": "192.0.2.1", "password": "(removed)", "object": {"password": "(removed)"}}}`,
		},
		"the name of a Secret stays, and what is written in place of one goes": {
			`{"spec": {"passwordSecret": {"name": "router"}, "perNode": {"passwordSecret": "hunter22"}}}`,
			`{"spec": {"passwordSecret": {"name": "router"}, "perNode": {"passwordSecret": "(removed)"}}}`,
		},
		"what was applied last, and who manages which field": {
			`{"metadata": {"name": "a", "managedFields": [{"manager": "kubectl"}], "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"spec\":{\"password\":\"hunter22\"}}", "b": "c hunter22"}}}`,
			`{"metadata": {"name": "a", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "(removed)", "b": "c (removed)"}}}`,
		},
		"what tools other than kubectl have applied, which may be compressed": {
			`{"metadata": {"annotations": {"objectset.rio.cattle.io/applied": "H4sIAAAAAAAA/6tWKi5ITVGyUqpWKkgsLi7PL0pRslLKKM0rSS0yMlKqrQUA8bfRmR8AAAA=", "objectset.rio.cattle.io/id": "", "kapp.k14s.io/original": "{\"spec\":{\"password\":\"hunter22\"}}", "a": "b hunter22"}}}`,
			`{"metadata": {"annotations": {"objectset.rio.cattle.io/applied": "(removed)", "objectset.rio.cattle.io/id": "", "kapp.k14s.io/original": "(removed)", "a": "b (removed)"}}}`,
		},
		"the environment and arguments of a container": {
			`{"env": [{"name": "ROUTER_PASSWORD", "value": "hunter22"}, {"name": "METALLB_NAMESPACE", "value": "x"}], "args": ["--log-level=info", "--api-token=hunter23", "--secret", "hunter24", "--token", "--lb-class"]}`,
			`{"env": [{"name": "ROUTER_PASSWORD", "value": "(removed)"}, {"name": "METALLB_NAMESPACE", "value": "x"}], "args": ["--log-level=info", "--api-token=(removed)", "--secret", "(removed)", "--token", "--lb-class"]}`,
		},
		"a refusal that quotes a password": {
			`{"spec": {"password": "hunter22"}, "status": {"message": "spec.password: Invalid value: \"hunter22\": too long"}}`,
			`{"spec": {"password": "(removed)"}, "status": {"message": "spec.password: (removed) value: (removed): too long"}}`,
		},
		"numbers, flags and nulls stay": {
			`{"automountServiceAccountToken": false, "tokenExpirationSeconds": 3607, "password": null, "token": ""}`,
			`{"automountServiceAccountToken": false, "tokenExpirationSeconds": 3607, "password": null, "token": ""}`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got, want map[string]any
			if err := errors.Join(json.Unmarshal([]byte(tc.object), &got), json.Unmarshal([]byte(tc.want), &want)); err != nil {
				t.Fatal(err)
			}
			var r redaction.Redactor
			r.Object(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTextsLoseTheirPasswords(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`{"level":"info","password":"hunter22","peer":"a"}`:                        `{"level":"info","password":(removed),"peer":"a"}`,
		`body {\"password\":\"hunter22\",\"peer\":\"a\"}`:                          `body {\"password\":(removed),\"peer\":\"a\"}`,
		`msg="connecting" password=hunter22 peer=a`:                                `msg="connecting" password=(removed) peer=a`,
		`Authorization: Bearer hunter22`:                                           `Authorization: Bearer (removed)`,
		`https://user:hunter22@192.0.2.1/`:                                         `https://user:(removed)@192.0.2.1/`,
		"-----BEGIN EC PRIVATE KEY-----\nhunter22\n-----END EC PRIVATE KEY-----\n": "(removed)\n",
		`http://127.0.0.1:10256/healthz`:                                           `http://127.0.0.1:10256/healthz`,
		`the session keeps the password that it has`:                               `the session keeps the password that it has`,
		`spec.passwordSecret: secret default/router has no password`:               `spec.passwordSecret: (removed) default/router has no password`,
	}
	for text, want := range tests {
		var r redaction.Redactor
		if diff := cmp.Diff(want, r.Text(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestAPasswordThatWasFoundIsTakenOutEverywhere(t *testing.T) {
	t.Parallel()
	var r redaction.Redactor
	r.Object(map[string]any{"spec": map[string]any{"password": "hunter22"}})
	r.Object(map[string]any{"spec": map[string]any{"password": "hunter22-longer"}})
	if got, want := r.Text("peers hunter22-longer and hunter22"), "peers (removed) and (removed)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNothingOfAPasswordWithQuotesAndSeparatorsStays(t *testing.T) {
	t.Parallel()
	for _, password := range []string{`hun"ter22`, `hun,ter22`, `hun ter22`, `hun;}]ter22`, `hun\ter22`, `hun'ter22`, `hun"\ter22`} {
		var r redaction.Redactor
		r.Object(map[string]any{"spec": map[string]any{"password": password}})
		once := strconv.Quote(password)
		twice := strconv.Quote(`{"password":` + once + `}`)
		for _, text := range []string{
			"password=" + password + " peer=a", `{"password":` + once + `,"peer":"a"}`, "body " + twice, "refused " + once,
			"spec.password: Invalid value: " + once + ": too long",
		} {
			if got := r.Text(text); strings.Contains(got, "hun") || strings.Contains(got, "ter22") {
				t.Errorf("of %s, this stays: %s", text, got)
			}
		}
	}
}

func TestAPasswordInQuotesIsTakenOutToItsEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`{"password":"hun\"ter22","peer":"a"}`: `{"password":(removed),"peer":"a"}`,
		`{"peer":"a","password":"hunter22`:     `{"peer":"a","password":(removed)`,
		"password: \"hunter22\nsays \"a\"":     "password: (removed)\nsays \"a\"",
	}
	for text, want := range tests {
		var r redaction.Redactor
		if diff := cmp.Diff(want, r.Text(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}
