// SPDX-License-Identifier: Apache-2.0

// Package redaction takes passwords out of what is shown to others: of objects by the names of their fields, of texts by what stands before them,
// and of both what has been found to be one. It is pure.
package redaction
