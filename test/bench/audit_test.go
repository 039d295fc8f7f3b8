// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	patchedLine  = `{"verb":"patch","user":{"username":"system:serviceaccount:metallb-system:controller"},"objectRef":{"resource":"services","subresource":"status"},"responseStatus":{"code":200}}` + "\n"
	conflictLine = `{"verb":"patch","user":{"username":"system:serviceaccount:metallb-system:controller"},"objectRef":{"resource":"services","subresource":"status"},"responseStatus":{"code":409}}` + "\n"
	eventLine    = `{"verb":"create","user":{"username":"system:serviceaccount:metallb-system:speaker"},"objectRef":{"resource":"events"},"responseStatus":{"code":201}}` + "\n"
	healthLine   = `{"verb":"get","user":{"username":"system:serviceaccount:metallb-system:speaker"},"requestURI":"/healthz","responseStatus":{"code":200}}` + "\n"
	otherLine    = `{"verb":"get","user":{"username":"admin"},"objectRef":{"resource":"nodes"},"responseStatus":{"code":200}}` + "\n"
)

func patched(failed bool, n int) requestCount {
	return requestCount{request{Program: "controller", Verb: "patch", Resource: "services/status", Failed: failed}, n}
}

func TestRequestsAreCountedByProgramVerbResourceAndResult(t *testing.T) {
	t.Parallel()
	got, _, err := countRequests([]byte(eventLine + patchedLine + conflictLine + healthLine + otherLine + patchedLine))
	if err != nil {
		t.Fatal(err)
	}
	want := []requestCount{
		patched(false, 2), patched(true, 1), {request{Program: "speaker", Verb: "create", Resource: "events"}, 1},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(requestCount{})); diff != "" {
		t.Errorf("countRequests() (-want +got):\n%s", diff)
	}
}

func TestALineThatIsNoEventIsAnError(t *testing.T) {
	t.Parallel()
	if got, _, err := countRequests([]byte("what?\n")); err == nil {
		t.Errorf("countRequests() = %v", got)
	}
}

func TestTheAuditLogIsReadFromWhereItWasLeft(t *testing.T) {
	t.Parallel()
	log := &auditLog{path: filepath.Join(t.TempDir(), "audit.log")}
	half := len(conflictLine) / 2
	for _, step := range []struct {
		name  string
		added string
		want  []requestCount
	}{
		{"no file yet", "", nil},
		{"a line and the beginning of another", patchedLine + conflictLine[:half], []requestCount{patched(false, 1)}},
		{"the other's end", conflictLine[half:], []requestCount{patched(true, 1)}},
		{"nothing new", "", []requestCount{}},
	} {
		if step.added != "" {
			appendTo(t, log.path, step.added)
		}
		got, err := log.next()
		if err != nil {
			t.Fatalf("%s: next() = %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, got, cmp.AllowUnexported(requestCount{})); diff != "" {
			t.Errorf("%s: next() (-want +got):\n%s", step.name, diff)
		}
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestReadsDoNotWrite(t *testing.T) {
	t.Parallel()
	for verb, want := range map[string]bool{
		"get": false, "list": false, "watch": false, "create": true, "update": true, "patch": true, "delete": true, "deletecollection": true,
	} {
		if got := (request{Verb: verb}).writes(); got != want {
			t.Errorf("writes() of %s = %t", verb, got)
		}
	}
}
