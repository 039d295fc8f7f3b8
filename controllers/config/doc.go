// SPDX-License-Identifier: Apache-2.0

// Package config says whether the objects of a configuration contradict each other, and what a change of them would take
// from services: addresses that no pool would let them own any more, and routes that no advertisement would give them. It
// is pure, and the same for the webhook, the conditions of the controller and the check of files.
//
// A change is judged by what it makes worse. What was wrong before and stays so is reported, but refuses nothing: a fault
// that slipped in must not keep the next edit out.
package config
