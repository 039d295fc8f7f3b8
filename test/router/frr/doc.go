// SPDX-License-Identifier: Apache-2.0

// Package frr runs FRR's bgpd, and zebra where it is wanted, so that it accepts any number of BGP nodes, and reads its
// neighbours and routes.
package frr
