// SPDX-License-Identifier: Apache-2.0

// Package proc starts the programs that are measured, ends them, and reads from the kernel what they and the machine used.
package proc
