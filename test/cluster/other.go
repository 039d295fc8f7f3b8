// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package cluster

import "context"

// Up makes no cluster: ErrNotLinux.
func Up(context.Context, Config) (*Cluster, error) { return nil, ErrNotLinux }

// Down ends no cluster: ErrNotLinux.
func (c *Cluster) Down(context.Context) error { return ErrNotLinux }
