// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// listed is a reader that has one answer.
type listed struct {
	client.Reader
	err error
}

func (l *listed) List(context.Context, client.ObjectList, ...client.ListOption) error { return l.err }

func TestWithoutTheCRDOfActiveConfigurationsAProgramIsNotReadyAndSaysWhyOnce(t *testing.T) {
	t.Parallel()
	reader := &listed{}
	var lines []string
	p := &published{reader: reader, missing: errUnknown, logger: funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{})}
	for _, step := range []struct {
		err   error
		ready string
		lines int
	}{
		{errors.New("no answer"), "has not been asked yet", 0},
		{&meta.NoKindMatchError{}, "kubectl apply -k config/crd", 1},
		{&meta.NoKindMatchError{}, "kubectl apply -k config/crd", 1},
		{errors.New("no answer"), "kubectl apply -k config/crd", 1},
		{nil, "", 2},
	} {
		reader.err = step.err
		if known := p.ask(t.Context()); known != (step.err == nil) {
			t.Errorf("%v: known %t", step.err, known)
		}
		got := ""
		if err := p.check(nil); err != nil {
			got = err.Error()
		}
		if (step.ready == "") != (got == "") || !strings.Contains(got, step.ready) || len(lines) != step.lines {
			t.Errorf("%v: not ready for %q, log %q", step.err, got, lines)
		}
	}
}
