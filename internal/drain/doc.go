// SPDX-License-Identifier: Apache-2.0

// Package drain says by which signals a node is to be taken out of service. It is pure, and the same for the speaker, which drains
// the node, and the controller, which does not count on such a node.
//
// A node that is cordoned is none of them unless an operator wants it so: cordoning stops pods from coming, and must not move traffic.
package drain
