// SPDX-License-Identifier: Apache-2.0

package spelling

import "strings"

// longName is the number of letters from which a name with two of them wrong was surely meant to be another; in shorter ones,
// one may be.
const longName = 10

// Meant returns the known name that a wrong one was surely meant to be: one that differs in case or hyphens only, or in one
// letter, or in two if it is long. It is empty if there is none.
func Meant(name string, known []string) string {
	plain := strings.NewReplacer("-", "", "_", "")
	for _, other := range known {
		if strings.EqualFold(plain.Replace(name), plain.Replace(other)) {
			return other
		}
	}
	for _, other := range known {
		if IsMeant(strings.ToLower(name), strings.ToLower(other), len(other)) {
			return other
		}
	}
	return ""
}

// IsMeant reports whether the name is all but the other, of which so many letters tell it from others.
func IsMeant(name, other string, letters int) bool {
	wrong := Distance(name, other)
	return wrong == 1 || wrong == 2 && letters >= longName
}

// Distance is the number of letters to insert, delete or replace to make one name of the other (Levenshtein).
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := before
			if a[i] != b[j] {
				replaced++
			}
			before = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
