// SPDX-License-Identifier: Apache-2.0

// Package docs holds the documentation to what it documents. Its tests read every Markdown file of the project.
//
//   - A block of YAML fenced by ```yaml is Kubernetes objects, which a real API server must accept, with no unknown field, and
//     in which "kubectl metallb validate" must find nothing. Fenced by ```yaml fragment it is a part of an object, which only has
//     to be YAML, and by ```yaml values it is a values file, with which the chart must render. What the API server of the
//     test cannot know has a line "<!-- not applied: REASON -->" above its block.
//   - A block fenced by ```bird or ```frr is a configuration that this program must accept. The
//     package routers runs those of docs/routers.md.
//   - A link to a file or a heading leads there.
//   - Files of the project and targets of make that a command names exist.
//   - docs/configuration.md has every flag and variable that the programs have, with its default, every annotation and every
//     reason of a condition.
package docs
