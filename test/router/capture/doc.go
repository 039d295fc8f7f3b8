// SPDX-License-Identifier: Apache-2.0

// Package capture records the packets of chosen TCP ports on all interfaces of its network namespace, in bounded
// memory, and writes them in the pcap format. It uses a packet socket and needs CAP_NET_RAW, no library.
package capture
