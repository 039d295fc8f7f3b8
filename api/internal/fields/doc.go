// SPDX-License-Identifier: Apache-2.0

// Package fields reads what the specs of several kinds have in common: lists without duplicates, label selectors and
// addresses. Errors name the field, its value and the remedy.
package fields
