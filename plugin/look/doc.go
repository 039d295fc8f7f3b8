// SPDX-License-Identifier: Apache-2.0

// Package look is what this project's pages share: their looks, and the headers that keep them to themselves.
package look
