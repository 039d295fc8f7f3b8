// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"metallb.io/metallb/test/programs"
)

// Down ends the cluster and removes all that was made for it: processes, containers, mounts, namespaces, links, routes,
// control groups, files. Kernel settings that the cluster changed get their former values back.
//
// It does so whatever state the cluster is in. A cluster that is down already is no error. If something cannot be removed,
// the rest is, and Down may be called again.
func (c *Cluster) Down(ctx context.Context) error {
	unlock, err := lockClaim(ctx, io.Discard)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := Open(c.State()); errors.Is(err, ErrNoCluster) {
		return nil
	}
	groups, err := findCgroups(cgroupMount)
	if err != nil {
		return err
	}
	return c.remove(ctx, groups)
}

// remove is Down with the machine's lock held. The record goes last, so that all can be repeated.
func (c *Cluster) remove(ctx context.Context, groups *cgroups) error {
	if owner := Running(); owner != "" && owner != c.State() {
		// Names are the same for all clusters. Those on the machine are of another one, this one can but have files.
		return removeFiles(c.State())
	}
	list, err := c.Processes()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, p := range list { // one that was just started may not be in its control group yet
		if p.Alive() {
			_ = syscall.Kill(p.PID, syscall.SIGKILL)
		}
	}
	if err := groups.kill(ctx, ""); err != nil {
		return fmt.Errorf("ending the processes of the cluster: %w", err)
	}
	errs := []error{groups.remove(""), removeNetwork(c.Nodes())}
	for name, value := range c.record.Sysctls {
		errs = append(errs, setSysctl(name, value))
	}
	for _, dir := range slices.Backward(c.record.MadeDirs) {
		if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENOTEMPTY) {
			errs = append(errs, fmt.Errorf("removing %s: %w", dir, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := removeFiles(c.State()); err != nil {
		return err
	}
	return os.Remove(claimFile)
}

// removeFiles removes a state directory, its record last.
func removeFiles(state string) error {
	entries, err := os.ReadDir(state)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == recordFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(state, entry.Name())); err != nil {
			return fmt.Errorf("removing the files of the cluster: %w", err)
		}
	}
	return os.RemoveAll(state)
}

// lockClaim takes the lock under which clusters are made and ended on this machine.
func lockClaim(ctx context.Context, progress io.Writer) (unlock func(), err error) {
	release, err := programs.Lock(ctx, claimFile, func() {
		fmt.Fprintln(progress, "waiting for another cluster to be made or ended")
	})
	if err != nil {
		return nil, err
	}
	return func() {
		if Running() == "" {
			_ = os.Remove(claimFile) // it was made by this lock
		}
		release()
	}, nil
}
