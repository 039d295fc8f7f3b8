// SPDX-License-Identifier: Apache-2.0

// Package lifetime keeps the programs that tests start from outliving them.
package lifetime
