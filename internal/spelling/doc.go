// SPDX-License-Identifier: Apache-2.0

// Package spelling finds the name that was meant where a wrong one is written.
package spelling
