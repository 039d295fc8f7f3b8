// SPDX-License-Identifier: Apache-2.0

package image

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Platform is what an image runs on, as container engines write it: linux/amd64, or linux/arm/v7.
type Platform struct{ Architecture, Variant string }

// Platforms are those that releases are made for.
func Platforms() []Platform {
	return []Platform{{"amd64", ""}, {"arm64", ""}, {"arm", "v7"}, {"ppc64le", ""}, {"s390x", ""}}
}

// HostPlatform is that of this machine.
func HostPlatform() Platform {
	i := slices.IndexFunc(Platforms(), func(p Platform) bool { return p.Architecture == runtime.GOARCH })
	if i < 0 {
		return Platform{runtime.GOARCH, ""}
	}
	return Platforms()[i]
}

// ParsePlatforms parses a list such as linux/amd64,linux/arm/v7; "all" stands for Platforms.
func ParsePlatforms(list string) ([]Platform, error) {
	if list == "all" {
		return Platforms(), nil
	}
	var found []Platform
	for text := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(Platforms(), func(p Platform) bool { return p.String() == text })
		if i < 0 {
			return nil, fmt.Errorf("platform %q is not one of %s", text, names(Platforms()))
		}
		if slices.Contains(found, Platforms()[i]) {
			return nil, fmt.Errorf("platform %q is there twice", text)
		}
		found = append(found, Platforms()[i])
	}
	return found, nil
}

func names(platforms []Platform) string {
	texts := make([]string, 0, len(platforms))
	for _, p := range platforms {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, ", ")
}

// String is how container engines write it.
func (p Platform) String() string { return path.Join("linux", p.Architecture, p.Variant) }

// Suffix is how it is written at the end of the names of files.
func (p Platform) Suffix() string { return strings.ReplaceAll(p.String(), "/", "-") }

// environment has go build make programs for the platform.
func (p Platform) environment() []string {
	found := []string{"GOOS=linux", "GOARCH=" + p.Architecture}
	if number, is := strings.CutPrefix(p.Variant, "v"); is && p.Architecture == "arm" {
		found = append(found, "GOARM="+number)
	}
	return found
}

func (p Platform) descriptor() *v1.Platform {
	return &v1.Platform{OS: "linux", Architecture: p.Architecture, Variant: p.Variant}
}
