// SPDX-License-Identifier: Apache-2.0

// Package builder makes objects for tests, in one expression that says only what the test is about.
package builder
