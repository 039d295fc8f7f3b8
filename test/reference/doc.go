// SPDX-License-Identifier: Apache-2.0

// Package reference writes the page on the commands of the plugin of kubectl.
package reference
