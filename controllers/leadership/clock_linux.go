// SPDX-License-Identifier: Apache-2.0

package leadership

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot is time by CLOCK_BOOTTIME, which counts while the machine is suspended.
func sinceBoot() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0 // There is no Linux without it; the wall clock is left.
	}
	return time.Duration(ts.Nano())
}
