// SPDX-License-Identifier: Apache-2.0

// Package status tells the cluster how the node's BGP sessions fare: one BGPSessionState for each, written when something
// has changed and seldom enough that the API server bears it if all nodes lose the same router at once.
//
// # What is written when
//
// A session that comes up or goes down is written within two seconds, at a random moment, so that the writes of many nodes
// are spread. Then it is left alone for ten seconds, give or take a fifth; what happens meanwhile goes into one write, and
// none is made if it is over by then. What else is new of a session that stays down, such as another error, waits the same
// time, which doubles from write to write up to 320 s. Numbers of prefixes ride along; by themselves they are written within
// ten seconds, and every 30 s at most. That the node drains, is drained, or serves again is written within two seconds, whatever was written before: an
// operator waits for it, and is not to take what was true a moment ago for true. A session that has not been tried yet gets three seconds to come up before it is told
// of.
//
// # Who writes
//
// While its node is not ready, a speaker is silent: the controller says Unknown for it. When the node is ready again, and
// every half hour, the speaker reads what the API server has and corrects it. There is no watch: with one per node, each
// write would be looked at once for each node.
package status
