// SPDX-License-Identifier: Apache-2.0

// Package informer follows a kind of object through a manager's cache, from whenever the API server is there.
package informer
