// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
)

const namespace = "metallb-system"

// known is a state that is made up. The error, or the panic if there is one, is all there is if set.
type known struct {
	objects config.Objects
	state   config.ClusterState
	err     error
	panics  any
}

func (k *known) read(context.Context) (config.Objects, config.ClusterState, error) {
	if k.panics != nil {
		panic(k.panics)
	}
	return k.objects, k.state, k.err
}

func (k *known) confirm(context.Context, config.Objects, config.Impacts) (config.Objects, config.ClusterState, bool, error) {
	return config.Objects{}, config.ClusterState{}, false, nil
}

func (k *known) missed(context.Context) (config.Holdings, error) { return k.state.Holdings, nil }

// namespaces is a reader that only knows what becomes of namespaces, and counts how often it is asked.
type namespaces struct {
	client.Reader
	terminating, gone bool
	err               error

	asked int
}

func (n *namespaces) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	n.asked++
	switch {
	case n.err != nil:
		return n.err
	case n.gone:
		return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, key.Name)
	}
	found, ok := object.(*corev1.Namespace)
	if !ok {
		return fmt.Errorf("a %T is not known", object)
	}
	found.Name = key.Name
	if n.terminating {
		found.DeletionTimestamp = &metav1.Time{}
	}
	return nil
}

// logs is a logger that keeps its lines.
type logs struct {
	mu    sync.Mutex
	lines []string
}

// logger returns a logger of what is shown at Info and above.
func (l *logs) logger() logr.Logger {
	return funcr.NewJSON(func(line string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, line)
	}, funcr.Options{})
}

func (l *logs) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

func (l *logs) String() string { return strings.Join(l.all(), "\n") }

func newScheme(tb testing.TB) *runtime.Scheme {
	tb.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(v1beta1.AddToScheme(scheme), v1beta2.AddToScheme(scheme), corev1.AddToScheme(scheme)); err != nil {
		tb.Fatal(err)
	}
	return scheme
}

// door is the webhook of a kind, with all that it is given.
type door struct {
	*admission.Webhook
	cached, live namespaces
	logs         logs
	registry     *prometheus.Registry
}

// open returns the webhook of the object's kind.
func open[T config.Object](tb testing.TB, object T, s state) *door {
	tb.Helper()
	scheme := newScheme(tb)
	kinds, _, err := scheme.ObjectKinds(object)
	if err != nil {
		tb.Fatal(err)
	}
	d := &door{registry: prometheus.NewRegistry()}
	counted, err := newMetrics(d.registry)
	if err != nil {
		tb.Fatal(err)
	}
	v := &validator[T]{
		kind: kinds[0].GroupKind(), namespace: namespace, state: s, cached: &d.cached, live: &d.live, metrics: counted, logger: d.logs.logger(),
	}
	d.Webhook = v.webhook(scheme)
	return d
}

// ask returns the answer to a request to make one object of the other. It is a creation if there is no old one, a deletion
// if there is no new one.
func ask(tb testing.TB, d *door, was, is config.Object) admission.Response {
	tb.Helper()
	return d.Handle(tb.Context(), requestFor(tb, was, is))
}

func requestFor(tb testing.TB, was, is config.Object) admission.Request {
	tb.Helper()
	request := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{
		UID: "1", Operation: admissionv1.Update, Resource: metav1.GroupVersionResource{Group: "metallb.io", Resource: "ipaddresspools"},
	}}
	request.UserInfo.Username = "alice"
	switch {
	case was == nil:
		request.Operation = admissionv1.Create
	case is == nil:
		request.Operation = admissionv1.Delete
	}
	for _, side := range []struct {
		object config.Object
		raw    *runtime.RawExtension
	}{{was, &request.OldObject}, {is, &request.Object}} {
		if side.object == nil {
			continue
		}
		request.Namespace, request.Name = side.object.GetNamespace(), side.object.GetName()
		var err error
		if side.raw.Raw, err = json.Marshal(side.object); err != nil {
			tb.Fatal(err)
		}
	}
	return request
}
