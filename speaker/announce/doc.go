// SPDX-License-Identifier: Apache-2.0

// Package announce decides what one node announces of one service: from the node's policy, the service and its endpoints
// to paths per peer, or the reason why there are none. It is pure, and its cost depends on the service alone.
package announce
