// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"regexp"
	"strings"
)

// Step is one command of a document.
type Step struct {
	// Line of the document that the command stands on, from 1.
	Line int
	// Command as given to the shell; its lines are joined by newlines.
	Command string
	// Want is what the command prints, line by line; nil if the document does not say.
	Want []string
}

// Parse returns the steps of the document's console blocks, in order. Of the blocks that belong to one way of several, those
// of the way are taken.
func Parse(document, way string) ([]Step, error) {
	var steps []Step
	inside, other := false, false
	for i, line := range strings.Split(document, "\n") {
		switch {
		case !inside:
			var of string
			inside, of = opens(line)
			other = of != "" && of != way
		case strings.TrimSpace(line) == "```":
			inside = false
		case other:
		case strings.HasPrefix(line, "$ "):
			steps = append(steps, Step{Line: i + 1, Command: line[2:]})
		case len(steps) == 0:
			return nil, fmt.Errorf("line %d: output %q stands before any command", i+1, line)
		case strings.HasPrefix(line, "> ") && steps[len(steps)-1].Want == nil:
			steps[len(steps)-1].Command += "\n" + line[2:]
		default:
			last := &steps[len(steps)-1]
			last.Want = append(last.Want, line)
		}
	}
	if inside {
		return nil, fmt.Errorf("the last console block is not closed")
	}
	return steps, nil
}

// opens reports whether a line opens a console block, and the way that the block belongs to, empty for all.
func opens(line string) (opens bool, way string) {
	of, opens := strings.CutPrefix(strings.TrimSpace(line), "```console")
	if of != "" && !strings.HasPrefix(of, " ") {
		return false, ""
	}
	return opens, strings.TrimSpace(of)
}

// ReadsOnly reports whether the command only looks, so that it may be repeated until it shows what is expected.
func (s Step) ReadsOnly() bool {
	return readsOnly.MatchString(s.Command)
}

var readsOnly = regexp.MustCompile(`^(kubectl (get|describe|wait|logs|events|rollout status|-n \S+ (get|describe|wait|logs))|curl|ip netns exec \S+ curl|ip -n \S+ (-6 )?route show|for )\b`)

var fails = regexp.MustCompile(`^([Ee]rror|The \S+ "\S+" is invalid)`)

// WantsFailure reports whether the document shows the command failing.
func (s Step) WantsFailure() bool { return len(s.Want) > 0 && fails.MatchString(s.Want[0]) }

// Matches reports whether the text is what the step prints.
func (s Step) Matches(text string) bool {
	if s.Want == nil {
		return true
	}
	return pattern(s.Want).MatchString(normalise(text))
}

func pattern(want []string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A`)
	for line := range strings.SplitSeq(strings.TrimSuffix(normalise(strings.Join(want, "\n")), "\n"), "\n") {
		if line == "…" {
			b.WriteString(`(?:.*\n)*?`)
			continue
		}
		parts := strings.Split(line, "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		b.WriteString(strings.Join(parts, ".*") + `\n`)
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

var (
	spaces     = regexp.MustCompile(`[ \t]+`)
	lineSpaces = regexp.MustCompile(`(?m)^ | $`)
)

func normalise(text string) string {
	text = spaces.ReplaceAllString(text, " ")
	text = lineSpaces.ReplaceAllString(text, "")
	return strings.Trim(text, "\n") + "\n"
}
