// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"

	"metallb.io/metallb/plugin/terminal"
)

// Chain is everything that one object depends on, from the first cause on.
type Chain struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Links are never nil.
	Links []Link `json:"links"`
}

// Link is one thing that the object depends on.
type Link struct {
	Mark terminal.Mark `json:"mark"`
	// Subject is what the link is about, such as "speaker" or "peer rack-1".
	Subject string `json:"subject"`
	// Reason is why the link is broken or doubtful, a word in CamelCase for programs; empty where nothing is wrong.
	Reason string `json:"reason,omitempty"`
	// Text is one sentence, without a full stop.
	Text string `json:"text"`
	// Remedies are what mends the link, any one of them.
	Remedies []Remedy `json:"remedies,omitempty"`
}

// Remedy is what mends a link: a text that says what is to be done, a command that does it, or both.
type Remedy struct {
	Text    string `json:"text,omitempty"`
	Command string `json:"command,omitempty"`
}

// Run returns the remedy of a command, and what it does; that may be empty.
func Run(text, command string) Remedy { return Remedy{Text: text, Command: command} }

// Do returns the remedy of what has to be done elsewhere.
func Do(format string, args ...any) Remedy { return Remedy{Text: fmt.Sprintf(format, args...)} }

// Good adds a link that holds.
func (c *Chain) Good(subject, format string, args ...any) {
	c.Links = append(c.Links, Link{Mark: terminal.Good, Subject: subject, Text: fmt.Sprintf(format, args...)})
}

// Note adds a link that is neither good nor bad.
func (c *Chain) Note(subject, format string, args ...any) {
	c.Links = append(c.Links, Link{Mark: terminal.None, Subject: subject, Text: fmt.Sprintf(format, args...)})
}

// Bad adds a link that is broken.
func (c *Chain) Bad(subject, reason, text string, remedies ...Remedy) {
	c.Links = append(c.Links, Link{terminal.Bad, subject, reason, text, remedies})
}

// Doubtful adds a link that deserves a look.
func (c *Chain) Doubtful(subject, reason, text string, remedies ...Remedy) {
	c.Links = append(c.Links, Link{terminal.Doubtful, subject, reason, text, remedies})
}

// Broken reports whether a link is.
func (c *Chain) Broken() bool {
	return slices.ContainsFunc(c.Links, func(l Link) bool { return l.Mark == terminal.Bad })
}

// Verdict returns the first broken link that has a remedy; if none has, the first broken link. A link without one says no more than those
// after it, such as how many sessions are up. It returns false if none is broken.
func (c *Chain) Verdict() (first Link, broken bool) {
	for _, l := range c.Links {
		if l.Mark == terminal.Bad && (!broken || len(first.Remedies) == 0 && len(l.Remedies) > 0) {
			first, broken = l, true
		}
	}
	return first, broken
}
