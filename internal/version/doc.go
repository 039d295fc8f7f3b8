// SPDX-License-Identifier: Apache-2.0

// Package version says which version of the product this build is, for people, metrics and API servers.
package version
