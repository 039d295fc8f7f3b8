// SPDX-License-Identifier: Apache-2.0

// Package version holds the version of the build.
package version

// Version of this build, set by the linker.
var Version = "dev"
