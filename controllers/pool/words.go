// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"fmt"
	"math"
	"strconv"

	"metallb.io/metallb/controllers/allocator"
)

// inWords returns the counts as the columns of kubectl have them. There is no sum of both families: next to the addresses of an
// IPv6 prefix it would not show that the last of an IPv4 range is taken.
func inWords(c allocator.Counts) (assigned, available string) {
	ipv4, ipv6 := c.SizeIPv4 > 0 || c.AssignedIPv4 > 0, c.SizeIPv6 > 0 || c.AssignedIPv6 > 0
	words := func(four, six int64) string {
		switch {
		case ipv4 && ipv6:
			return fmt.Sprintf("%s IPv4, %s IPv6", number(four), number(six))
		case ipv6:
			return number(six)
		default:
			return number(four)
		}
	}
	return words(c.AssignedIPv4, c.AssignedIPv6), words(c.AvailableIPv4, c.AvailableIPv6)
}

// number returns the count; of one that is saturated, how many there are at least.
func number(n int64) string {
	if n == math.MaxInt64 {
		return ">9e18"
	}
	return strconv.FormatInt(n, 10)
}
