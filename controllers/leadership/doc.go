// SPDX-License-Identifier: Apache-2.0

// Package leadership fences the writes of a controller that has lost its lease and does not know it yet, because its process was
// stopped or its virtual machine was paused.
//
// A Lock is the Lease by which one of several controllers is the active one. Its Transport lets a write pass only if the API server
// itself has said, after the write was decided, that the lease is still held; a time limit, by a clock that goes on while the process or
// the machine stands still, is the second check. What is left is a write that passed the checks and was sent later: the next
// leader learns from Predecessor that there may be one, and changes the objects that it could be for, so that the API server refuses it.
//
// See docs/decisions/0006-fencing.md.
package leadership
