// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"metallb.io/metallb/test/lifetime"
)

// node is a small object with pointers, which the garbage collector has to follow.
type node struct {
	next *node
	_    [6]uint64
}

// hold returns so many MiB of small objects.
func hold(mebibytes int) []*node {
	const size = 64
	nodes := make([]*node, mebibytes<<20/size)
	for i := range nodes {
		nodes[i] = &node{}
		if i > 0 {
			nodes[i].next = nodes[i-1]
		}
	}
	return nodes
}

// litter makes garbage as fast as it can.
func litter(stop <-chan struct{}) {
	var kept [1024]*node
	for i := 0; ; i++ {
		select {
		case <-stop:
			runtime.KeepAlive(kept)
			return
		default:
			kept[i%len(kept)] = &node{next: kept[(i+7)%len(kept)]}
			kept[i%len(kept)].next = nil
		}
	}
}

// compile has all processors compile Go's library, again and again, until it is stopped.
func compile() (stop func(), err error) {
	cache, err := os.MkdirTemp("", "bfd-bench-")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		for ctx.Err() == nil {
			c := exec.CommandContext(ctx, "go", "build", "-a", "std")
			c.Env = append(os.Environ(), "GOCACHE="+cache, "CGO_ENABLED=0")
			lifetime.Bind(c, syscall.SIGKILL)
			c.SysProcAttr.Setsid = true
			_ = c.Run() // It is stopped in the middle.
		}
	}()
	return func() {
		cancel()
		<-done
		_ = os.RemoveAll(cache)
	}, nil
}
