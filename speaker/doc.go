// SPDX-License-Identifier: Apache-2.0

// Command speaker announces the LoadBalancer services of one node to the network's routers over BGP. It reads its flags,
// puts the reconcilers and the BGP sessions together and runs them; it decides nothing.
package main
