// SPDX-License-Identifier: Apache-2.0

// Package browser has tests look at pages in a headless Chromium.
package browser
