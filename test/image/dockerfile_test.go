// SPDX-License-Identifier: Apache-2.0

package image

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// target is what a target of the Dockerfile says of its image.
type target struct {
	User       string
	Entrypoint []string
	Labels     map[string]string
	// Programs are copied from where they are built.
	Programs []string
}

// targets reads the Dockerfile's targets, by name.
func targets(t *testing.T) map[string]target {
	t.Helper()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	label := regexp.MustCompile(`(\S+)="([^"]*)"`)
	found, name := map[string]target{}, ""
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		is := found[name]
		switch word {
		case "FROM":
			_, name, _ = strings.Cut(rest, " AS ")
			is = target{Labels: map[string]string{}}
		case "USER":
			is.User = rest
		case "ENTRYPOINT":
			if err := json.Unmarshal([]byte(rest), &is.Entrypoint); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		case "COPY":
			if built, path, _ := strings.Cut(strings.TrimPrefix(rest, "--from=build /out/"), " /"); built == path {
				is.Programs = append(is.Programs, path)
			}
		case "LABEL":
			for _, pair := range label.FindAllStringSubmatch(rest, -1) {
				is.Labels[pair[1]] = pair[2]
			}
		}
		found[name] = is
	}
	return found
}

func TestImagesAreTheSameWithoutAContainerEngine(t *testing.T) {
	t.Parallel()
	in := targets(t)
	for _, which := range []string{ControllerImage, SpeakerImage, RouterImage} {
		t.Run(which, func(t *testing.T) {
			t.Parallel()
			got := target{User: binaryConfig("/" + which).User, Entrypoint: binaryConfig("/" + which).Entrypoint, Labels: labels(which, "${VERSION}", "${REVISION}"), Programs: programsOf(which)}
			if which == RouterImage {
				got.User = "" // It sets up network namespaces and daemons.
			}
			if diff := cmp.Diff(in[which], got); diff != "" {
				t.Errorf("(-Dockerfile +here):\n%s", diff)
			}
		})
	}
}

func TestTheDockerfileStampsPrograms(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{versionPackage + ".Version=${VERSION}", versionPackage + ".revision=${REVISION}", "-trimpath -buildvcs=false", "CGO_ENABLED=0"} {
		if !strings.Contains(string(text), flag) {
			t.Errorf("it does not set %s", flag)
		}
	}
}
