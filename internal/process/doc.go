// SPDX-License-Identifier: Apache-2.0

// Package process is what the project's programs have in common as processes: settings from flags and the environment,
// their help, a log that a human can follow, the connection to the cluster, and the exit status.
//
// A wrong setting is refused before anything is done, in one line on standard error that names the setting, its value and
// what to write instead; the exit status is then 2. A failure later on is logged, and the exit status is 1.
package process
