// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

const (
	// maxLines bounds a log, from its end.
	maxLines = 20_000
	// connectTime and pageTime bound how long a pod may take to be connected to, and to answer.
	connectTime = 10 * time.Second
	pageTime    = 30 * time.Second
)

// LivePods reads from pods through the API server.
type LivePods struct {
	config *rest.Config
	client kubernetes.Interface
}

// NewLivePods returns what reads from the pods of a cluster.
func NewLivePods(config *rest.Config) (*LivePods, error) {
	c, err := kubernetes.NewForConfig(config)
	return &LivePods{config, c}, err
}

// Log returns the end of the log.
func (l *LivePods) Log(ctx context.Context, p *corev1.Pod, container string, previous bool, since time.Duration) (io.ReadCloser, error) {
	options := &corev1.PodLogOptions{Container: container, Previous: previous, TailLines: new(int64(maxLines)), LimitBytes: new(int64(maxText)), Timestamps: true}
	if !previous { // How a run has ended matters whenever that was.
		options.SinceSeconds = new(max(1, int64(since.Seconds())))
	}
	return l.client.CoreV1().Pods(p.Namespace).GetLogs(p.Name, options).Stream(ctx)
}

// Pages forwards a port of this machine's loopback.
func (l *LivePods) Pages(ctx context.Context, p *corev1.Pod, port int) (Pages, error) {
	transport, upgrader, err := spdy.RoundTripperFor(l.config)
	if err != nil {
		return nil, err
	}
	url := l.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(p.Namespace).Name(p.Name).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	f := &forwarded{stop: make(chan struct{}), ended: make(chan struct{})}
	ready := make(chan struct{})
	forwarder, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", port)}, f.stop, ready, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(f.ended)
		f.err = forwarder.ForwardPorts()
	}()
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	select {
	case <-ready:
	case <-f.ended:
		return nil, f.err
	case <-ctx.Done():
		close(f.stop)
		return nil, ctx.Err()
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		f.Close()
		return nil, err
	}
	f.address = fmt.Sprintf("http://127.0.0.1:%d", ports[0].Local)
	return f, nil
}

// forwarded is a port that is forwarded.
type forwarded struct {
	address string
	stop    chan struct{}
	// ended is closed when nothing is forwarded any more, for the reason of err.
	ended chan struct{}
	err   error
}

// Page reads a page. A page that is not there yet, as that of a controller that is not active, says so.
func (f *forwarded) Page(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.address+path, nil)
	if err != nil {
		return nil, err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return io.ReadAll(io.LimitReader(response.Body, maxText))
}

// Close ends the forwarding.
func (f *forwarded) Close() {
	close(f.stop)
	<-f.ended
}
