// SPDX-License-Identifier: Apache-2.0

// Package sample makes clusters of any size for the tests of the dashboard, with some trouble in them.
package sample
