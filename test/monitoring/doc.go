// SPDX-License-Identifier: Apache-2.0

// Package monitoring checks what monitors this project: the page of metrics against docs/metrics.md, who may get it, and the
// alerts and the dashboard of config/prometheus by Prometheus' own promtool (Debian package prometheus). Where that is missing,
// tests are skipped, or fail if $CI is true.
package monitoring
