// SPDX-License-Identifier: Apache-2.0

// Package picture is what the dashboard shows of a cluster, as values: the front, which every page is sent, and the answers to what a page asks for.
// The front has everything that is drawn and nothing that grows with the number of Services; lists of these are asked for, a part at a time.
package picture
