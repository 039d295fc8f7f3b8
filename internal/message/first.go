// SPDX-License-Identifier: Apache-2.0

package message

import (
	"fmt"
	"strings"
)

// First returns the first n items, with commas between them, and how many more there are.
func First(items []string, n int) string {
	return Some(items[:min(n, len(items))], len(items), ", ")
}

// Some returns the items, which are the first of so many, with the separator between them, and how many more there are.
func Some(items []string, of int, separator string) string {
	text := strings.Join(items, separator)
	switch more := of - len(items); {
	case more <= 0:
		return text
	case separator == ", ":
		return fmt.Sprintf("%s and %d more", text, more)
	default:
		return fmt.Sprintf("%s%sand %d more", text, separator, more)
	}
}
