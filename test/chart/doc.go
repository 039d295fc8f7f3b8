// SPDX-License-Identifier: Apache-2.0

// Package chart makes what the Helm chart and the one-file manifest have from config/ and from the chart's values, and holds the
// chart to it: it renders the same objects as kustomize, for many values, and a real API server takes them.
package chart
