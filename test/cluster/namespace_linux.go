// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// ownDirs are directories of which each node has its own, by the name of the folder in the node's state.
func ownDirs() []struct{ folder, path string } {
	return []struct{ folder, path string }{
		{"run-containerd", "/run/containerd"},
		{"run-mount", "/run/mount"},
		{"lib-containerd", "/var/lib/containerd"},
		{"lib-kubelet", "/var/lib/kubelet"},
		{"lib-cni", "/var/lib/cni"},
		{"etc-cni", "/etc/cni"},
		{"log-pods", "/var/log/pods"},
		{"log-containers", "/var/log/containers"},
	}
}

// namespaces is a thread that is in the namespaces of a node. What it starts is in them, too. They last as long as a
// process is in them, the network namespace until it is deleted by name.
type namespaces struct {
	work chan func()
}

// newNamespaces makes the network namespace of a node, by name, a mount namespace in which the node has its own
// directories, and one for its host name. The caller must close the result; that does not end the namespaces.
func newNamespaces(n Node) (*namespaces, error) {
	s := &namespaces{work: make(chan func())}
	ready := make(chan error, 1)
	go s.serve(n, ready, make(chan struct{}))
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("making the namespaces of %s: %w", n.Name, err)
	}
	return s, nil
}

// serve makes a thread enter new namespaces, says how that went to ready, and then does the work there is. It closes locked
// once it has a thread of its own.
func (s *namespaces) serve(n Node, ready chan<- error, locked chan<- struct{}) {
	runtime.LockOSThread() // and never unlock it: the thread must end with this function, for it is of no other use
	close(locked)
	if unix.Gettid() == unix.Getpid() { // /proc/self is about the main thread: leave it alone, and in its namespaces
		other := make(chan struct{})
		go s.serve(n, ready, other)
		<-other
		runtime.UnlockOSThread()
		return
	}
	err := enterNamespaces(n)
	ready <- err
	if err != nil {
		return
	}
	for f := range s.work {
		f()
	}
}

// do runs f inside the namespaces.
func (s *namespaces) do(f func() error) error {
	result := make(chan error)
	s.work <- func() { result <- f() }
	return <-result
}

func (s *namespaces) close() { close(s.work) }

// enterNamespaces moves the thread to new namespaces.
func enterNamespaces(n Node) error {
	handle, err := netns.NewNamed(n.Name) // before the mounts: the name has to be seen outside
	if err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	defer handle.Close()
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("mount namespace and one for the host name: %w", err)
	}
	// Pods in the node's network namespace, such as a speaker, tell the host name to others.
	if err := unix.Sethostname([]byte(n.Name)); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	// Nothing that is mounted here is to be seen outside, but the containers of the node see it: volumes.
	for _, propagation := range []uintptr{unix.MS_SLAVE, unix.MS_SHARED} {
		if err := unix.Mount("", "/", "", unix.MS_REC|propagation, ""); err != nil {
			return fmt.Errorf("mount propagation: %w", err)
		}
	}
	for _, d := range ownDirs() {
		own := filepath.Join(n.dir, d.folder)
		if err := os.MkdirAll(own, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(own, d.path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting %s on %s: %w", own, d.path, err)
		}
	}
	return nil
}

// missingDirs returns the directories that have to be made on the machine for nodes to mount theirs, outermost first.
func missingDirs() []string {
	var missing []string
	for _, d := range ownDirs() {
		if _, err := os.Stat(d.path); os.IsNotExist(err) {
			missing = append(missing, d.path)
		}
	}
	return missing
}
