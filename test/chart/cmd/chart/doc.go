// SPDX-License-Identifier: Apache-2.0

// Command chart writes the generated files of the Helm chart, and the one-file manifest. See the package chart.
package main
