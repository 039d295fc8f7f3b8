// SPDX-License-Identifier: Apache-2.0

// Package configuration keeps the configuration in use: it reads the objects as they are written, decides with package config
// what of them is used, publishes that as ActiveConfigurations for the speakers, hands it to the allocator and to those who
// report what is announced, and says in the status of each object whether it is in use as written.
//
// The Tracker has the current snapshot; the Reconciler, on the leader, makes the next one whenever something has changed that
// it depends on.
package configuration
