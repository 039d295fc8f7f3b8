// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

// Document is a Markdown file.
type Document struct {
	// Path within the project, with slashes.
	Path string
	// Blocks are what is fenced, Lines all other lines, and the empty string in place of what is fenced.
	Blocks []Block
	Lines  []string
}

// Block is what is between two fences.
type Block struct {
	// Line is the number of its first line in the file, from 1.
	Line int
	// Language is the first word after the fence, and Mark the rest.
	Language, Mark string
	// Above is the line above the fence.
	Above, Text string
}

// fences begin and end a block. A block within a list is indented.
var fences = regexp.MustCompile("^ *```")

// Read reads the file of the project.
func Read(root, path string) (*Document, error) {
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return nil, err
	}
	return parse(path, string(content))
}

func parse(path, content string) (*Document, error) {
	d := &Document{Path: filepath.ToSlash(path)}
	var open *Block
	above := ""
	for i, line := range strings.Split(content, "\n") {
		fence := fences.MatchString(line)
		switch {
		case fence && open == nil:
			language, mark, _ := strings.Cut(strings.Trim(line, " `"), " ")
			open = &Block{Line: i + 2, Language: language, Mark: strings.TrimSpace(mark), Above: above}
		case fence:
			d.Blocks = append(d.Blocks, *open)
			open = nil
		case open != nil:
			open.Text += line + "\n"
		}
		if fence || open != nil {
			line = ""
		}
		d.Lines = append(d.Lines, line)
		above = line
	}
	if open != nil {
		return nil, fmt.Errorf("%s:%d: the block does not end", path, open.Line-1)
	}
	return d, nil
}

// Link is a link within the project.
type Link struct {
	Line int
	// Path of the file, empty for the document itself, and Anchor in it, empty for none.
	Path, Anchor string
}

var (
	links = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	// spans are code within a line, in which nothing is a link.
	spans    = regexp.MustCompile("`[^`]*`")
	headings = regexp.MustCompile(`^#{1,6} +(.*?) *$`)
	anchors  = regexp.MustCompile(`<a (?:id|name)="([^"]+)">`)
)

// Links returns the links within the project.
func (d *Document) Links() []Link {
	var found []Link
	for i, line := range d.Lines {
		for _, m := range links.FindAllStringSubmatch(spans.ReplaceAllString(line, "``"), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			found = append(found, Link{i + 1, path, anchor})
		}
	}
	return found
}

// Anchors returns what links may lead to: the headings in the form that GitHub gives them, and HTML anchors.
func (d *Document) Anchors() map[string]bool {
	found := map[string]bool{}
	count := map[string]int{}
	for _, line := range d.Lines {
		for _, m := range anchors.FindAllStringSubmatch(line, -1) {
			found[m[1]] = true
		}
		if m := headings.FindStringSubmatch(line); m != nil {
			anchor := slug(m[1])
			if n := count[anchor]; n > 0 {
				found[fmt.Sprintf("%s-%d", anchor, n)] = true
			}
			count[anchor]++
			found[anchor] = true
		}
	}
	return found
}

var linkTexts = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// slug returns the anchor of a heading: lower case, spaces as hyphens, without punctuation.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, linkTexts.ReplaceAllString(heading, "$1"))
}

// Table returns the rows of the first table under the heading, each cell without the backticks around it.
func (d *Document) Table(heading string) ([][]string, error) {
	var rows [][]string
	under := false
	for _, line := range d.Lines {
		if m := headings.FindStringSubmatch(line); m != nil {
			if len(rows) > 0 {
				break
			}
			under = m[1] == heading
		}
		if under && strings.HasPrefix(line, "|") {
			rows = append(rows, cells(line))
		}
	}
	if len(rows) < 3 {
		return nil, fmt.Errorf("%s: there is no table under the heading %q", d.Path, heading)
	}
	return rows[2:], nil
}

func cells(row string) []string {
	row = strings.ReplaceAll(strings.Trim(row, "| "), `\|`, "\x00")
	found := strings.Split(row, "|")
	for i := range found {
		found[i] = strings.ReplaceAll(strings.Trim(found[i], " `"), "\x00", "|")
	}
	return found
}
