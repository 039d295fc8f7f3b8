// SPDX-License-Identifier: Apache-2.0

// Package programs builds and finds the programs that tests run: this project's own, and those of test clusters.
//
// Whoever needs a program of this project has it built here, with one set of flags. For the go command keeps what it has
// compiled for each set by itself, and the libraries of Kubernetes take minutes.
package programs
