// SPDX-License-Identifier: Apache-2.0

// Package endpoint says which endpoints of a service serve. It is pure, and the same for the speaker, which announces by it, and
// the controller, which tells what is announced.
package endpoint
