// SPDX-License-Identifier: Apache-2.0

// Package bgptest runs real BGP routers, BIRD and FRR, for tests.
//
// The test process moves into a network namespace of its own (Isolate, from TestMain), and every router gets another
// one, joined to it by a veth pair. So tests of several packages may run at a time, nothing touches the machine's network,
// and nothing is left behind however the test ends: namespaces and links go with the processes, and the routers die with
// the test process.
//
// It needs root, the packages bird2 and frr, and nsenter of util-linux. Tests are skipped where these are missing, but fail
// if the environment has CI=true.
package bgptest
