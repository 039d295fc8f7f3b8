// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package cluster

import "context"

// Up makes no cluster: ErrNotLinux.
func Up(context.Context, Config) (*Cluster, error) { return nil, ErrNotLinux }

// Down ends no cluster: ErrNotLinux.
func (c *Cluster) Down(context.Context) error { return ErrNotLinux }

// PowerOff stops no node: ErrNotLinux.
func (c *Cluster) PowerOff(context.Context, Node) error { return ErrNotLinux }

// PowerOn starts no node: ErrNotLinux.
func (c *Cluster) PowerOn(context.Context, Node, func() error) error { return ErrNotLinux }
