// SPDX-License-Identifier: Apache-2.0

// Package release makes the files of a release from the source tree: the chart, the manifests, programs and images for every
// platform, what has changed, and the checksums of all that. It publishes nothing.
package release
