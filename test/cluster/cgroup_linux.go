// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	cgroupMount   = "/sys/fs/cgroup"
	cgroupDaemons = "daemons"        // of a node: its own programs, next to the group of its pods
	killPatience  = 10 * time.Second // for the kernel to end what was killed
)

// cgroups are the hierarchies of control groups of the machine: one of version 2, or several of version 1. In each of them
// the cluster has the same tree. Processes are placed in and found by one hierarchy, tracking, to which container runtimes
// move containers as well.
type cgroups struct {
	roots    []string
	tracking string
	v2       bool
}

// findCgroups finds the hierarchies that are mounted below mount.
func findCgroups(mount string) (*cgroups, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(mount, &stat); err != nil {
		return nil, fmt.Errorf("control groups must be mounted on %s: %w", mount, err)
	}
	if stat.Type == unix.CGROUP2_SUPER_MAGIC {
		return &cgroups{roots: []string{mount}, tracking: mount, v2: true}, nil
	}
	files, err := filepath.Glob(filepath.Join(mount, "*", "cgroup.procs"))
	if err != nil {
		return nil, err
	}
	g := new(cgroups)
	for _, file := range files {
		root, err := filepath.EvalSymlinks(filepath.Dir(file)) // cpu may be another name of cpu,cpuacct
		if err != nil {
			return nil, err
		}
		g.roots = append(g.roots, root)
	}
	slices.Sort(g.roots)
	g.roots = slices.Compact(g.roots)
	g.tracking = filepath.Join(mount, "pids")
	if !slices.Contains(g.roots, g.tracking) {
		return nil, fmt.Errorf("there is no control group hierarchy of pids at %s, which the kubelet needs", g.tracking)
	}
	return g, nil
}

// exists tells whether there is a tree of a cluster, whether or not it has processes.
func (g *cgroups) exists() bool {
	return slices.ContainsFunc(g.roots, func(root string) bool {
		_, err := os.Stat(filepath.Join(root, cgroupTree))
		return err == nil
	})
}

// create makes a group of the tree, given relative to it, in all hierarchies, and those above it.
func (g *cgroups) create(group string) error {
	for _, root := range g.roots {
		dir := root
		for name := range strings.SplitSeq(filepath.Join(cgroupTree, group), "/") {
			if err := g.delegate(dir); err != nil {
				return err
			}
			dir = filepath.Join(dir, name)
			if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("making a control group: %w", err)
			}
			if g.v2 {
				continue
			}
			if err := inheritCPUSet(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// controllers are those that the kubelet sets up groups of pods with.
func controllers() []string { return []string{"cpuset", "cpu", "io", "memory", "hugetlb", "pids"} }

// delegate gives the groups directly below dir those controllers that dir has (version 2).
func (g *cgroups) delegate(dir string) error {
	if !g.v2 {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return err
	}
	available := strings.Fields(string(text))
	for _, name := range controllers() {
		if !slices.Contains(available, name) {
			continue
		}
		file := filepath.Join(dir, "cgroup.subtree_control")
		if err := os.WriteFile(file, []byte("+"+name), 0); err != nil {
			if errors.Is(err, unix.EBUSY) {
				return fmt.Errorf("handing on the %s controller in %s: %w: processes are in that very group, as in a container; run on the machine itself", name, dir, err)
			}
			return fmt.Errorf("handing on the %s controller in %s: %w", name, dir, err)
		}
	}
	return nil
}

// inheritCPUSet gives a new group of the cpuset hierarchy (version 1), which starts with no processor at all, those of
// the group above.
func inheritCPUSet(dir string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		own, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || len(bytes.TrimSpace(own)) > 0 {
			continue // another hierarchy, or inherited by the kernel
		}
		above, err := os.ReadFile(filepath.Join(filepath.Dir(dir), file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, file), above, 0); err != nil {
			return fmt.Errorf("setting up the control group %s: %w", dir, err)
		}
	}
	return nil
}

// add moves a process to a group of the tree.
func (g *cgroups) add(group string, pid int) error {
	file := filepath.Join(g.tracking, cgroupTree, group, "cgroup.procs")
	if err := os.WriteFile(file, []byte(strconv.Itoa(pid)), 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("moving a process to its control group: %w", err)
	}
	return nil
}

// processes returns all processes of a group of the tree and of those below it; of the whole tree if group is empty.
func (g *cgroups) processes(group string) ([]int, error) {
	var pids []int
	err := filepath.WalkDir(filepath.Join(g.tracking, cgroupTree, group), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a group that has just gone
		}
		if err != nil || !entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
			return nil
		} else if err != nil {
			return err
		}
		for field := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				return fmt.Errorf("reading the processes of %s: %w", path, err)
			}
			pids = append(pids, pid)
		}
		return nil
	})
	return pids, err
}

// kill ends all processes of a group of the tree and of those below it, or of the whole tree, those that are born meanwhile included, and
// returns when they have ended.
func (g *cgroups) kill(ctx context.Context, group string) error {
	for deadline := time.Now().Add(killPatience); ; {
		pids, err := g.processes(group)
		if err != nil || len(pids) == 0 {
			return err
		}
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended by itself
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v do not end", pids)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// remove removes a group of the tree and those below it, or the whole tree, from all hierarchies. It must have no processes.
func (g *cgroups) remove(group string) error {
	var errs []error
	for _, root := range g.roots {
		var dirs []string
		err := filepath.WalkDir(filepath.Join(root, cgroupTree, group), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		errs = append(errs, err)
		for _, dir := range slices.Backward(dirs) {
			errs = append(errs, removeGroup(dir))
		}
	}
	return errors.Join(errs...)
}

// removeGroup removes a group. The kernel may call it busy for a moment after its last process has ended.
func removeGroup(dir string) error {
	for deadline := time.Now().Add(killPatience); ; {
		err := unix.Rmdir(dir)
		if err == nil || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) || time.Now().After(deadline) {
			return fmt.Errorf("removing the control group %s: %w", dir, err)
		}
		<-time.After(5 * time.Millisecond)
	}
}
