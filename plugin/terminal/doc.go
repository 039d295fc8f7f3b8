// SPDX-License-Identifier: Apache-2.0

// Package terminal writes for people: tables as kubectl's, marks, bars, and colours where there is a terminal.
package terminal
