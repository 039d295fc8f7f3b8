// SPDX-License-Identifier: Apache-2.0

// Package claim says what services hold against a configuration: addresses that it would not let them own, or that it
// would not announce any more. It is pure.
package claim
