// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "github.com/prometheus/procfs"

func processorModel(procfs.FS) string { return "" }
