// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"metallb.io/metallb/test/image"
)

// startRuntimes makes nodes and starts their containerds, without waiting for these. It returns the namespaces of the
// nodes in order, as many as it made, for the caller to close.
func (r *runner) startRuntimes(ctx context.Context, nodes []Node) ([]*namespaces, error) {
	var spaces []*namespaces
	for _, n := range nodes {
		if err := ctx.Err(); err != nil {
			return spaces, err
		}
		space, err := newNamespaces(n)
		if err != nil {
			return spaces, err
		}
		spaces = append(spaces, space)
		if err := connect(n, r.cluster.Nodes()); err != nil {
			return spaces, err
		}
		if err := r.cluster.writeNodeConfig(n); err != nil {
			return spaces, err
		}
		err = space.do(func() error {
			return errors.Join(tuneNode(), r.start(ctx, n.daemons(), n.Name+"-containerd", "containerd", "--config", n.file("containerd.toml")))
		})
		if err != nil {
			return spaces, fmt.Errorf("starting %s: %w", n.Name, err)
		}
	}
	return spaces, nil
}

// loadPause waits for the container runtimes and loads the image that pods are made of.
func (r *runner) loadPause(ctx context.Context) error {
	tar := r.cluster.path("pause.tar")
	pause, err := image.Binary(filepath.Join(r.cluster.Bin(), "pause"), "/pause", image.Unpacked)
	if err != nil {
		return err
	}
	if err := image.Save(tar, pauseImage, pause); err != nil {
		return err
	}
	if err := r.waitRuntimes(ctx, r.cluster.Nodes()); err != nil {
		return err
	}
	return r.cluster.Load(ctx, tar)
}

// waitRuntimes waits for the container runtimes of nodes.
func (r *runner) waitRuntimes(ctx context.Context, nodes []Node) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, n := range nodes {
		group.Go(func() error {
			return r.until(ctx, "the container runtime of "+n.Name, func(ctx context.Context) error {
				if _, err := os.Stat(n.socket()); err != nil {
					return err
				}
				return r.cluster.ctr(ctx, n, "version")
			}, n.Name+"-containerd")
		})
	}
	return group.Wait()
}

// startKubelets starts kubelet and kube-proxy on each of the nodes, whose namespaces are in the same order.
func (r *runner) startKubelets(ctx context.Context, nodes []Node, spaces []*namespaces) error {
	for i, n := range nodes {
		err := spaces[i].do(func() error {
			return errors.Join(
				r.start(ctx, n.daemons(), n.Name+"-kubelet", "kubelet", "--config="+n.file("kubelet.yaml"),
					"--kubeconfig="+r.cluster.path(n.Name+".conf"), "--hostname-override="+n.Name,
					fmt.Sprintf("--node-ip=%s,%s", n.Addr, n.Addr6)),
				// It ends when its node is deleted, and where it is a pod it is started again.
				r.startAgain(ctx, n.daemons(), n.Name+"-kube-proxy", "kube-proxy", "--config="+n.file("kube-proxy.yaml")),
			)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// daemons is the control group of the node's own programs.
func (n Node) daemons() string { return filepath.Join(n.Name, cgroupDaemons) }
