// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	stdlog "log"
	"regexp"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// lines returns the lines of the log, without their times.
func lines(t *testing.T, log string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(log) {
		var values map[string]any
		if err := json.Unmarshal([]byte(line), &values); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		delete(values, "time")
		found = append(found, values)
	}
	return found
}

// messages returns the messages of the log, each as "level: message".
func messages(t *testing.T, log string) []string {
	t.Helper()
	all := lines(t, log)
	found := make([]string, 0, len(all))
	for _, line := range all {
		found = append(found, line["level"].(string)+": "+line["msg"].(string))
	}
	return found
}

func TestALineHasLevelTimeNameAndMessage(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	newLogger(zapcore.InfoLevel, newJSONEncoder(), &log).WithName("bgp").Error(errors.New("no luck"), "ending session", "peer", "router")
	want := regexp.MustCompile(`^{"level":"error","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)",` +
		`"logger":"bgp","msg":"ending session","peer":"router","error":"no luck"}\n$`)
	if !want.MatchString(log.String()) {
		t.Errorf("the line is %s", log.String())
	}
}

func TestALevelShowsWhatIsAsSevere(t *testing.T) {
	t.Parallel()
	all := []string{"error: broken", "info: news", "debug: detail", "debug: more detail"}
	for name, want := range map[string][]string{
		"all": all, "debug": all[:3], "info": all[:2], "warn": all[:1], "error": all[:1], "none": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			logger := newLogger(levels()[name], newJSONEncoder(), &log)
			logger.Error(nil, "broken")
			logger.Info("news")
			logger.V(1).Info("detail")
			logger.V(5).Info("more detail")
			logger.V(8).Info("what the API server answered")
			if diff := cmp.Diff(want, messages(t, log.String())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewsOfLibrariesAreDetails(t *testing.T) {
	t.Parallel()
	tell := func(level string) []string {
		var log bytes.Buffer
		library := logr.New(background{newLogger(levels()[level], newJSONEncoder(), &log).GetSink()}).WithName("library").WithValues("controller", "service")
		library.Info("Starting workers")
		library.Error(nil, "broken")
		library.Error(fmt.Errorf("writing: %w", apierrors.NewConflict(schema.GroupResource{}, "web", nil)), "could not write")
		library.WithValues("namespace", "default", "reconcileID", "1").WithName("request").Info("assigning addresses")
		return messages(t, log.String())
	}
	if diff := cmp.Diff([]string{"error: broken", "info: assigning addresses"}, tell("info")); diff != "" {
		t.Errorf("at info (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"debug: Starting workers", "error: broken", "debug: could not write", "info: assigning addresses"}, tell("debug")); diff != "" {
		t.Errorf("at debug (-want +got):\n%s", diff)
	}
}

func TestALineOfAReconcilerNamesWhatItIsAbout(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	library := logr.New(background{newLogger(zapcore.InfoLevel, newJSONEncoder(), &log).GetSink()})
	library.WithName("service").WithValues("service", "default/web").WithValues("reconcileID", "1").Info("assigning addresses", "pool", "tiny")
	want := []map[string]any{{
		"level": "info", "logger": "service", "msg": "assigning addresses", "service": "default/web", "pool": "tiny",
	}}
	if diff := cmp.Diff(want, lines(t, log.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatGoItselfLogsIsADetailOfOneLine(t *testing.T) {
	t.Parallel()
	tell := func(level string) []string {
		var log bytes.Buffer
		logger := logr.New(background{newLogger(levels()[level], newJSONEncoder(), &log).GetSink()})
		stdlog.New(standard{logger}, "", 0).Printf("http: TLS handshake error from %s", "192.0.2.1")
		return messages(t, log.String())
	}
	if diff := cmp.Diff([]string{"debug: http: TLS handshake error from 192.0.2.1"}, tell("debug")); diff != "" {
		t.Errorf("at debug (-want +got):\n%s", diff)
	}
	if got := tell("info"); len(got) > 0 {
		t.Errorf("at info: %q", got)
	}
}
