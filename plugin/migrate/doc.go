// SPDX-License-Identifier: Apache-2.0

// Package migrate is the command that turns the ConfigMap of MetalLB's first releases, up to 0.12, into custom resources.
// What has no counterpart is left out and said, with its line: nothing is dropped in silence.
package migrate
