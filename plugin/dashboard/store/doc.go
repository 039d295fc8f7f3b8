// SPDX-License-Identifier: Apache-2.0

// Package store keeps what the dashboard shows of the cluster, by watches: each kind is read once, and then followed. What nobody looks at is left
// out of what is kept.
package store
