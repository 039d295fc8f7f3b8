// SPDX-License-Identifier: Apache-2.0

package version

import (
	"regexp"
	"runtime/debug"
	"testing"
)

func TestTheRevisionIsThatOfTheBuild(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		settings []debug.BuildSetting
		want     string
	}{
		"clean":   {[]debug.BuildSetting{{Key: "vcs.revision", Value: "1a2b"}, {Key: "vcs.modified", Value: "false"}}, "1a2b"},
		"changed": {[]debug.BuildSetting{{Key: "vcs.revision", Value: "1a2b"}, {Key: "vcs.modified", Value: "true"}}, "1a2b-dirty"},
		"unknown": {[]debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, {Key: "GOOS", Value: "linux"}}, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := revisionFrom(tc.settings); got != tc.want {
				t.Errorf("revision %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTheUserAgentIsThatOfAProgram(t *testing.T) {
	t.Parallel()
	if got := UserAgent("speaker"); !regexp.MustCompile(`^metallb-speaker/dev \(\w+/\w+\) \S{1,12}$`).MatchString(got) {
		t.Errorf("it is %q", got)
	}
}
