// SPDX-License-Identifier: Apache-2.0

// Package publisher writes the objects by which a speaker says how it fares, seldom enough that the API server bears it if all nodes
// have something to say at once. What the objects are about, and what they say, is for its user to know; when each is written is
// here, and chance and time are given.
//
// # What is written
//
// A Publisher keeps a record for each object: what it says, and what it should. Only what has changed is compared. What is due is
// written, the oldest first, within a budget; a write that fails is made again, less and less often.
//
// # What others write
//
// There is no watch: with one for each node, each write would be looked at once for each node. When the node's object is another, when the
// node becomes ready, and every half hour, the Publisher lists what the API server has. It corrects what others wrote, and deletes what
// nobody wants.
package publisher
