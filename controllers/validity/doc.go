// SPDX-License-Identifier: Apache-2.0

// Package validity tells in the status of BGPPeers, BGPAdvertisements and Communities whether they can be understood.
// It takes each object by itself, and brings nothing into force: that is up to the speakers.
package validity
