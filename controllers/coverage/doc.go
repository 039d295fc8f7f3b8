// SPDX-License-Identifier: Apache-2.0

// Package coverage knows which addresses that services hold have lost their last route by a change of configuration that
// nobody refused: no node announces them to any peer any more, as far as the configuration goes.
//
// It remembers the configuration as it was last, and what was lost since. An address that was never announced has lost
// nothing, be it because no advertisement ever selected it or because its service gave up the labels that one selects by.
// Neither has one whose route an operator took away who allows disruption.
package coverage
