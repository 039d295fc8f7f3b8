// SPDX-License-Identifier: Apache-2.0

// Package image makes container images with no container engine: of a static binary, or of programs of this machine
// together with the libraries they load.
package image
