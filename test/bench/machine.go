// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"

	"github.com/prometheus/procfs"
)

// machine describes this machine as far as it says.
func machine() string {
	processor, memory := runtime.GOARCH, ""
	if fs, err := procfs.NewDefaultFS(); err == nil {
		if model := processorModel(fs); model != "" {
			processor = model
		}
		if m, err := fs.Meminfo(); err == nil && m.MemTotal != nil {
			memory = fmt.Sprintf(" and %.0f GiB of memory", float64(*m.MemTotal)/(1<<20))
		}
	}
	return fmt.Sprintf("%d processors (%s)%s", runtime.NumCPU(), processor, memory)
}
