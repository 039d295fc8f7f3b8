// SPDX-License-Identifier: Apache-2.0

package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version of this build, set by the linker.
var Version = "dev"

// revision of the source that this build was made of, set by the linker where go build cannot know it.
var revision = ""

// unknown is the revision of a build that nobody told it to.
const unknown = "unknown"

// shortRevision is how many characters of a revision are enough to tell it from others.
const shortRevision = 12

// Revision returns the revision of the source that this build was made of, or "unknown". One that ends in "-dirty" had changes
// that are in none.
func Revision() string {
	if revision != "" {
		return revision
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknown
	}
	return revisionFrom(info.Settings)
}

func revisionFrom(settings []debug.BuildSetting) string {
	found, dirty := unknown, ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			found = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if found == unknown {
		return unknown
	}
	return found + dirty
}

// Details say of what and for what the build was made.
func Details() string {
	return fmt.Sprintf("revision %s, %s, %s/%s", Revision(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// UserAgent returns what a program calls itself when it talks to an API server.
func UserAgent(program string) string {
	r := Revision()
	return fmt.Sprintf("metallb-%s/%s (%s/%s) %s", program, Version, runtime.GOOS, runtime.GOARCH, r[:min(len(r), shortRevision)])
}
