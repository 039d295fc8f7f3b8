// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/plugin/cluster"
)

const (
	// maxText bounds a log or a page, in bytes.
	maxText = 8 << 20
	// debugPath is that of the page that lists the others.
	debugPath = "/debug/"
)

// logs adds the logs of all containers, and those of their previous runs.
func (c *collection) logs(ctx context.Context) error {
	count := 0
	for i := range c.pods {
		p := &c.pods[i]
		for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			runs := []bool{false}
			if s.RestartCount > 0 {
				runs = append(runs, true)
			}
			for _, previous := range runs {
				text, err := c.log(ctx, p, s.Name, previous)
				if err != nil {
					c.failed("reading the log of container %s of pod %s (previous run: %v): %v", s.Name, p.Name, previous, err)
					continue
				}
				name := fmt.Sprintf("logs/%s-%s.log", p.Name, s.Name)
				if previous {
					name = fmt.Sprintf("logs/%s-%s-previous.log", p.Name, s.Name)
				}
				if err := c.archive.add(name, text); err != nil {
					return err
				}
				count++
			}
		}
	}
	c.count("logs", count)
	return nil
}

func (c *collection) log(ctx context.Context, p *corev1.Pod, container string, previous bool) ([]byte, error) {
	log, err := c.Pods.Log(ctx, p, container, previous, c.Since)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	text, err := io.ReadAll(io.LimitReader(log, maxText))
	return []byte(c.redactor.Text(string(text))), err
}

// debugPages adds the pages of the debug endpoints.
func (c *collection) debugPages(ctx context.Context) error {
	count := 0
	for i := range c.pods {
		p := &c.pods[i]
		if p.Status.Phase != corev1.PodRunning || !cluster.IsSpeaker(p) && !cluster.IsController(p) {
			continue
		}
		port, served := cluster.DebugPort(p)
		if !served {
			c.failed("pod %s serves no debug pages (--debug-bind-address=0)", p.Name)
			continue
		}
		pages, err := c.Pods.Pages(ctx, p, port)
		if err != nil {
			c.failed("connecting to the debug endpoint of pod %s: %v", p.Name, err)
			continue
		}
		n, err := c.pagesOf(ctx, p, pages)
		pages.Close()
		if err != nil {
			return err
		}
		count += n
	}
	c.count("debug pages", count)
	return nil
}

// pagesOf adds the pages of one pod. The error is for the archive.
func (c *collection) pagesOf(ctx context.Context, p *corev1.Pod, pages Pages) (count int, err error) {
	list, err := pages.Page(ctx, debugPath)
	var purposes map[string]string
	if err == nil {
		err = json.Unmarshal(list, &purposes)
	}
	if err != nil {
		c.failed("reading the list of debug pages of pod %s: %v", p.Name, err)
		return 0, nil
	}
	for _, path := range slices.Sorted(maps.Keys(purposes)) {
		path, _, _ = strings.Cut(path, "?")
		if strings.HasSuffix(path, "/") {
			continue // Profiles take long, and are of use to few.
		}
		text, err := pages.Page(ctx, path)
		if err != nil {
			c.failed("reading %s of pod %s: %v", path, p.Name, err)
			continue
		}
		name := fmt.Sprintf("debug/%s-%s.json", p.Name, strings.ReplaceAll(strings.TrimPrefix(path, debugPath), "/", "-"))
		if err := c.archive.add(name, c.json(text)); err != nil {
			return count, err
		}
		count++
	}
	return count, nil
}

// json returns a page without secrets.
func (c *collection) json(text []byte) []byte {
	var content map[string]any
	if json.Unmarshal(text, &content) == nil {
		c.redactor.Object(content)
		if redacted, err := json.MarshalIndent(content, "", "  "); err == nil {
			return append(redacted, '\n')
		}
	}
	return []byte(c.redactor.Text(string(text)))
}
