// SPDX-License-Identifier: Apache-2.0

// Package bird runs a BIRD 2 that accepts any number of BGP nodes, and reads its neighbours and routes.
package bird
