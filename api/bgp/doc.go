// SPDX-License-Identifier: Apache-2.0

// Package bgp says what BGPPeers, BFDProfiles, BGPAdvertisements and Communities mean, and whether they fit each other and the pools.
// It is pure: parsers, values and checks, used alike by the speaker, the controller and the webhook.
package bgp
