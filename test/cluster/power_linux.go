// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// PowerOff stops a node as if it had lost its power: its link first, so that nobody hears its processes end, then these, its pods included, and
// its network namespace. What it has on disk stays. Kubernetes is told nothing. [Cluster.PowerOn] starts the node again.
func (c *Cluster) PowerOff(ctx context.Context, n Node) error {
	groups, err := findCgroups(cgroupMount)
	if err != nil {
		return err
	}
	if err := removeLink(n.link()); err != nil {
		return err
	}
	if err := groups.kill(ctx, n.Name); err != nil {
		return err
	}
	return errors.Join(groups.remove(n.Name), removeNamespace(n))
}

// PowerOn starts a node that was powered off, and returns when it is ready. As on any machine that starts, nothing is in /run. Routes that
// others than Up had made in the node are gone: connected makes them again, as soon as the node's network is there.
func (c *Cluster) PowerOn(ctx context.Context, n Node, connected func() error) error {
	groups, err := findCgroups(cgroupMount)
	if err != nil {
		return err
	}
	for _, folder := range []string{"run-containerd", "run-mount"} {
		if err := os.RemoveAll(filepath.Join(n.dir, folder)); err != nil {
			return err
		}
	}
	if err := groups.create(n.daemons()); err != nil {
		return err
	}
	r, nodes := newRunner(c, groups), []Node{n}
	began := time.Now()
	spaces, err := r.startRuntimes(ctx, nodes)
	for _, s := range spaces {
		defer s.close()
	}
	if err != nil {
		return err
	}
	if err := connected(); err != nil {
		return err
	}
	if err := r.waitRuntimes(ctx, nodes); err != nil {
		return err
	}
	if err := r.startKubelets(ctx, nodes, spaces); err != nil {
		return err
	}
	client, err := r.client()
	if err != nil {
		return err
	}
	ready := func(ctx context.Context) error { return nodeReady(ctx, client, n.Name, began) }
	return r.until(ctx, n.Name, ready, n.Name+"-kubelet")
}
