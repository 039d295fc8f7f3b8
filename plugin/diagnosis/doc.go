// SPDX-License-Identifier: Apache-2.0

// Package diagnosis collects what the report of a problem needs into an archive: objects, events, logs and debug pages, without passwords. No Secret
// and no ConfigMap is read. What cannot be read is listed, and keeps nothing else from being collected. It keeps a page of objects, or one log, in
// memory at a time.
package diagnosis
