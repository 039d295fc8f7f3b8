// SPDX-License-Identifier: Apache-2.0

// Package webhook is what API servers ask before they take a change of the configuration: an admission webhook for each
// kind over the checks of package safety, and the server, certificate and readiness that it takes to be asked.
//
// It decides nothing: it reads the configuration out of the cache and what services hold out of an index, and puts the
// verdict into the words of an API server.
package webhook
