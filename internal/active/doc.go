// SPDX-License-Identifier: Apache-2.0

// Package active turns configuration objects into ActiveConfigurations and back, so that the controller, which writes them, and
// the speakers, which read them, use the same configuration. It is pure.
package active
