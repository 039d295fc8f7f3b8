// SPDX-License-Identifier: Apache-2.0

// Package rbac holds the roles of config/rbac to what the programs really do: its test runs both, as their ServiceAccounts, on
// a real API server through everything they do, and compares the API server's audit log with the rules.
//
// A call that is forbidden is a failure, and so is a rule that nothing needed: whoever adds a marker adds to the test what
// needs it.
package rbac
