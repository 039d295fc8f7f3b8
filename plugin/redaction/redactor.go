// SPDX-License-Identifier: Apache-2.0

package redaction

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Removed is what stands where something was taken out.
const Removed = "(removed)"

// minLength is the least length of a secret that is looked for wherever it may be: a shorter one would be found in the middle of words.
const minLength = 4

// endOfValue is what ends a value without quotes in a text, as a class of characters.
const endOfValue = `\s"',;}\]`

var (
	// separated is a text that has some of it.
	separated = regexp.MustCompile(`[` + endOfValue + `]`)
	// applied are the names of annotations in which tools keep what they have applied, such as those of kubectl, of Rancher and K3s, and of kapp.
	applied = regexp.MustCompile(`(?i)last-applied|last-handled|/applied$|/original$`)
	// secretName is part of the names of what has a secret.
	secretName = regexp.MustCompile(`(?i)passw|passphrase|secret|token|credential|api[-_]?key|private[-_]?key|access[-_]?key|authorization`)
	// assigned is a secret in a text, after its name: in JSON, which may be quoted itself, in logs, and in flags.
	assigned = regexp.MustCompile(`(?i)((?:[\w.-]*(?:passw(?:or)?d|passphrase|token|secret|credentials?|api[-_]?key|private[-_]?key|access[-_]?key))(?:\\*["'])?\s*(?::=|[:=])\s*)` +
		`("(?:[^"\\\n]|\\.)*"?|\\+"(?:[^"\\]|\\[^"])*\\*"|'[^']*'|` + `[^` + endOfValue + `]+)`)
	// invalid is one that the API server quotes, since it is not valid.
	invalid = regexp.MustCompile(`(?i)((?:passw|secret|token)[^\s:]*: invalid value: )("(?:[^"\\]|\\.)*")`)
	// credentials are those of HTTP, userinfo those in URLs.
	credentials = regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[^\s"',]+`)
	userinfo    = regexp.MustCompile(`(\w+://[^\s/:@"]*:)[^\s/@"]+@`)
	privateKey  = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?`)
)

// Redactor takes out secrets. It remembers those that it has found, so that objects that have some are best shown to it first.
type Redactor struct {
	// known are sorted, the longest first.
	known []string
}

// Object takes the secrets out of a decoded JSON object, in its place.
func (r *Redactor) Object(o map[string]any) {
	if metadata, ok := o["metadata"].(map[string]any); ok {
		delete(metadata, "managedFields")
		if annotations, ok := metadata["annotations"].(map[string]any); ok {
			r.annotations(annotations)
		}
	}
	known := len(r.known)
	if r.fields(o); len(r.known) > known {
		r.fields(o) // What is found late may be in a text that came earlier.
	}
}

// annotations takes out what tools keep of what was applied: it is another version of the object, as text, which may be compressed, so that no
// password can be seen in it.
func (r *Redactor) annotations(all map[string]any) {
	for name, value := range all {
		text, isText := value.(string)
		if !isText || !applied.MatchString(name) {
			continue
		}
		all[name] = Removed
		var object map[string]any
		if json.Unmarshal([]byte(text), &object) == nil {
			r.fields(object) // Its passwords may be in logs.
		}
	}
}

func (r *Redactor) fields(o map[string]any) {
	name, isNamed := o["name"].(string)
	_, hasValue := o["value"].(string)
	for key, value := range o {
		// A variable of the environment has its name beside it.
		secret := isSecret(key) || key == "value" && isNamed && hasValue && isSecret(name)
		o[key] = r.value(value, secret)
	}
}

// isSecret reports whether a field of the name has a secret, and not only the name of one.
func isSecret(name string) bool {
	return secretName.MatchString(name) && !strings.HasSuffix(name, "Name")
}

func (r *Redactor) value(value any, secret bool) any {
	switch v := value.(type) {
	case string:
		if secret && v != "" {
			r.learn(v)
			return Removed
		}
		return r.Text(v)
	case map[string]any:
		r.fields(v)
	case []any:
		r.list(v, secret)
	}
	return value
}

// list redacts the elements. Of arguments, the one after a flag may be its value.
func (r *Redactor) list(all []any, secret bool) {
	follows := false
	for i, one := range all {
		text, isText := one.(string)
		isFlag := isText && strings.HasPrefix(text, "-")
		all[i] = r.value(one, secret || follows && !isFlag)
		follows = isFlag && !strings.Contains(text, "=") && secretName.MatchString(text)
	}
}

// learn remembers a secret, also as it is written in quotes, and in a text with quotes that is in quotes itself.
func (r *Redactor) learn(secret string) {
	if len(secret) < minLength || slices.Contains([]string{Removed, "true", "false", "none"}, secret) {
		return
	}
	for range 3 {
		r.remember(secret)
		quoted := strconv.Quote(secret)
		secret = quoted[1 : len(quoted)-1]
	}
}

func (r *Redactor) remember(secret string) {
	i, found := slices.BinarySearchFunc(r.known, secret, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	if !found {
		r.known = slices.Insert(r.known, i, secret)
	}
}

// Text returns the text without secrets. It takes out too much rather than too little.
func (r *Redactor) Text(text string) string {
	for _, secret := range r.known {
		// Of such a one the patterns below would take out no more than its beginning.
		if separated.MatchString(secret) {
			text = strings.ReplaceAll(text, secret, Removed)
		}
	}
	text = privateKey.ReplaceAllString(text, Removed)
	text = userinfo.ReplaceAllString(text, "${1}"+Removed+"@")
	for _, pattern := range []*regexp.Regexp{credentials, invalid, assigned} {
		text = pattern.ReplaceAllString(text, "${1}"+Removed)
	}
	for _, secret := range r.known {
		text = strings.ReplaceAll(text, secret, Removed)
	}
	return text
}
