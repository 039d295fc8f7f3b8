// SPDX-License-Identifier: Apache-2.0

// Package validate is the command that checks manifests before they are applied: by the parsers of the webhook, against each
// other, and, where a cluster is at hand, against the addresses that its services hold.
package validate
