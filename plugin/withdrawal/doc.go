// SPDX-License-Identifier: Apache-2.0

// Package withdrawal tells what it takes away to take nodes out of service, how far they are, and by what they are. It is pure: a function of what
// the API server says.
package withdrawal
