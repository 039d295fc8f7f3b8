// SPDX-License-Identifier: Apache-2.0

// Command controller gives Services of type LoadBalancer addresses from IPAddressPools. It reads its flags, puts the
// reconcilers together and runs them; it decides nothing.
package main
