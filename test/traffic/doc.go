// SPDX-License-Identifier: Apache-2.0

// Package traffic measures what a client loses while something in the network leaves. A [Client] opens connections at a steady rate and holds
// others open; its [Record] tells what became of each. A [Watch] follows the routes of a kernel, and its [Paths] tell how often each path was missing.
package traffic
