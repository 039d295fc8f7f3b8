// SPDX-License-Identifier: Apache-2.0

// Package notice bounds what conditions and events say.
package notice
