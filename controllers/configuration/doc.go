// SPDX-License-Identifier: Apache-2.0

// Package configuration reads the objects of the configuration, and the nodes it is for, out of a cache, and tells when
// they have changed.
package configuration
