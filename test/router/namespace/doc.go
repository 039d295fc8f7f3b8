// SPDX-License-Identifier: Apache-2.0

// Package namespace runs code in another network namespace.
package namespace
