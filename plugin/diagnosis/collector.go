// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/plugin/redaction"
)

// Pods reads what is in no object of the API.
type Pods interface {
	// Log returns the log of a container, of its previous run if asked for, since so long before.
	Log(ctx context.Context, pod *corev1.Pod, container string, previous bool, since time.Duration) (io.ReadCloser, error)
	// Pages returns how to read pages of the debug endpoint on a port of the pod's loopback. It is to be closed.
	Pages(ctx context.Context, pod *corev1.Pod, port int) (Pages, error)
}

// Pages reads pages of one debug endpoint.
type Pages interface {
	Page(ctx context.Context, path string) ([]byte, error)
	Close()
}

// Collector collects.
type Collector struct {
	Reader client.Reader
	Pods   Pods
	// Namespace of the load balancer and its configuration.
	Namespace string
	// Since is how far back logs and events go.
	Since time.Duration
	Now   time.Time
	// Versions is what is known of versions, as text.
	Versions string
	// Status is the overview of how all fares, as text, and Explanations are those of what is wrong.
	Status, Explanations string
}

// Part is what an archive has of something.
type Part struct {
	Name  string
	Count int
}

// Report says what is in an archive.
type Report struct {
	Parts []Part
	// Errors are what could not be read, a line each.
	Errors []string
}

// collection is one archive in the making.
type collection struct {
	*Collector

	archive  *archive
	redactor *redaction.Redactor
	report   Report
	pods     []corev1.Pod
	// services are those of type LoadBalancer.
	services map[types.NamespacedName]bool
}

// Collect writes the archive, in which all files are in a directory of the name. The error is for what keeps it from being written; what cannot be
// read is in the Report.
func (c *Collector) Collect(ctx context.Context, w io.Writer, root string) (Report, error) {
	all := &collection{
		Collector: c, archive: newArchive(w, root, c.Now), redactor: &redaction.Redactor{}, services: map[types.NamespacedName]bool{},
	}
	steps := []func(context.Context) error{all.passwords, all.objects, all.logs, all.debugPages, all.texts}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return all.report, err
		}
		if ctx.Err() != nil {
			return all.report, ctx.Err()
		}
	}
	return all.report, all.archive.close()
}

// texts adds what is told in words. It is last, when all errors are known.
func (c *collection) texts(context.Context) error {
	errors := "Everything could be read.\n"
	if len(c.report.Errors) > 0 {
		errors = strings.Join(c.report.Errors, "\n") + "\n"
	}
	for _, file := range []struct{ name, text string }{{"versions.txt", c.Versions}, {"status.txt", c.Status}, {"explanations.txt", c.Explanations}, {"errors.txt", errors}} {
		if err := c.archive.add(file.name, []byte(c.redactor.Text(file.text))); err != nil {
			return err
		}
	}
	return nil
}

// failed notes what could not be read.
func (c *collection) failed(format string, args ...any) {
	c.report.Errors = append(c.report.Errors, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " "))
}

// count notes how much there is of something.
func (c *collection) count(name string, n int) {
	if n > 0 {
		c.report.Parts = append(c.report.Parts, Part{name, n})
	}
}
