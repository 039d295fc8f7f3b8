// SPDX-License-Identifier: Apache-2.0

// Package command is the command line: one file for each command, with kubectl's flags and habits.
package command
