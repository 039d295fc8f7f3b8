// SPDX-License-Identifier: Apache-2.0

// Package message bounds what conditions and events say.
package message
