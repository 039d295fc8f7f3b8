// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"metallb.io/metallb/test/programs"
)

// version is what releases are called: a semantic version with a v before it.
var version = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)

// check refuses what would not be a release of exactly what is committed, and returns its notes.
func (o Options) check(ctx context.Context) (notes string, err error) {
	if !version.MatchString(o.Version) {
		return "", fmt.Errorf("VERSION=%s: is not a version such as v1.2.3 or v1.2.3-rc.1", o.Version)
	}
	changes, err := git(ctx, o.Source, "status", "--porcelain")
	if err != nil {
		return "", err
	}
	if changes != "" {
		return "", fmt.Errorf("the source tree has changes that are not committed: commit or remove them (%s)", firstOf(changes))
	}
	if err := o.checkTag(ctx); err != nil {
		return "", err
	}
	changelog, err := os.ReadFile(filepath.Join(o.Source, "CHANGELOG.md"))
	if err != nil {
		return "", err
	}
	return Notes(string(changelog), o.Version)
}

// checkTag refuses a version that is taken by another commit.
func (o Options) checkTag(ctx context.Context) error {
	tagged, err := git(ctx, o.Source, "rev-parse", "--quiet", "--verify", "refs/tags/"+o.Version+"^{commit}")
	if err != nil {
		return nil //nolint:nilerr // there is no such tag
	}
	head, err := git(ctx, o.Source, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	if tagged != head {
		return fmt.Errorf("VERSION=%s: is the tag of another commit, %.12s: check that one out, or take the next version", o.Version, tagged)
	}
	return nil
}

// heading is the line that a section of the changelog on a version begins with: ## v1.2.3 or ## [v1.2.3] - 2026-01-31.
var heading = regexp.MustCompile(`^## \[?v?([^\s\]]+)\]?(\s|$)`)

// Notes returns the section of the changelog on a version, without its heading.
func Notes(changelog, version string) (string, error) {
	var notes strings.Builder
	found := false
	for line := range strings.Lines(changelog) {
		if title := heading.FindStringSubmatch(line); title != nil {
			if found {
				break
			}
			found = title[1] == strings.TrimPrefix(version, "v")
			continue
		}
		if found {
			notes.WriteString(line)
		}
	}
	text := strings.TrimSpace(notes.String())
	switch {
	case !found:
		return "", fmt.Errorf(`CHANGELOG.md has no section "## %s": give what is under "## Unreleased" that heading`, version)
	case text == "":
		return "", fmt.Errorf(`CHANGELOG.md says nothing under "## %s"`, version)
	}
	return text + "\n", nil
}

// git runs it in the source tree.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	out, err := programs.Run(ctx, dir, "git", args...)
	return strings.TrimSpace(out), err
}

func firstOf(lines string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(lines), "\n")
	return strings.TrimSpace(first)
}
