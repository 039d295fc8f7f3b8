// SPDX-License-Identifier: Apache-2.0

// Package dashboard serves the page of "kubectl metallb dashboard": a drawing of routers, nodes and services, live. What is shown is computed by
// package picture from what package store follows. The server only answers this computer, and only those who know the token; it changes nothing.
package dashboard
