// SPDX-License-Identifier: Apache-2.0

// Package page serves the test router's page: what each router thinks in one word, in a drawing, in tables and in the
// router's own output, kept up to date without reloading; the same as JSON; and the packets behind it.
//
// The page is rendered here, in fragments. The browser only replaces the fragments that changed, so there is one
// rendering, it works without scripts, and it can be tested without a browser.
package page
