// SPDX-License-Identifier: Apache-2.0

// Package ipam says what IPAddressPools mean: their address ranges, which pool an address belongs to and whether pools
// overlap. It is pure: parsers and values, used alike by the allocator, the speaker and the webhook.
package ipam
