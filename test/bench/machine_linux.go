// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/prometheus/procfs"

// processorModel returns the model of the first processor, or "" if the kernel does not say it.
func processorModel(fs procfs.FS) string {
	list, err := fs.CPUInfo()
	if err != nil || len(list) == 0 {
		return ""
	}
	return list[0].ModelName
}
