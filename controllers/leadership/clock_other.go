// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package leadership

import "time"

var started = time.Now()

func sinceBoot() time.Duration { return time.Since(started) }
