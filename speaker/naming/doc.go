// SPDX-License-Identifier: Apache-2.0

// Package naming makes names and labels of the names of other objects, however long those are. Equal names make equal ones.
package naming
