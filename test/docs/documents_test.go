// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the project's directory.
const root = "../.."

// documents returns every Markdown file of the project.
func documents(t *testing.T) []*Document {
	t.Helper()
	var found []*Document
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "out" || name == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".md":
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		d, err := Read(root, relative)
		found = append(found, d)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("only %d documents", len(found))
	}
	return found
}

func TestADocumentIsRead(t *testing.T) {
	t.Parallel()
	content := "# The `first` [one](a.md#b)\n\n[x](#y) and `[no](link)`, [z](https://example.com)\n<!-- here -->\n```yaml fragment\na: [b](c)\n```\n" +
		"## Twice\n## Twice\n| `a\\|b` | c |\n|---|---|\n| 1 | 2 |\n"
	d, err := parse("p.md", content)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Block{{Line: 6, Language: "yaml", Mark: "fragment", Above: "<!-- here -->", Text: "a: [b](c)\n"}}, d.Blocks); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Link{{1, "a.md", "b"}, {3, "", "y"}}, d.Links()); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"the-first-one": true, "twice": true, "twice-1": true}, d.Anchors()); diff != "" {
		t.Errorf("anchors (-want +got):\n%s", diff)
	}
	rows, err := d.Table("Twice")
	if diff := cmp.Diff([][]string{{"1", "2"}}, rows); diff != "" || err != nil {
		t.Errorf("%v, table (-want +got):\n%s", err, diff)
	}
	if _, err := d.Table("No such heading"); err == nil {
		t.Error("a table under no heading")
	}
	if _, err := parse("p.md", "```\n"); err == nil || err.Error() != "p.md:1: the block does not end" {
		t.Errorf("error %v", err)
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	byPath := map[string]*Document{}
	all := documents(t)
	for _, d := range all {
		byPath[d.Path] = d
	}
	checked := 0
	for _, d := range all {
		for _, link := range d.Links() {
			target := d.Path
			if link.Path != "" {
				target = path.Join(path.Dir(d.Path), link.Path)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s:%d: there is no %s", d.Path, link.Line, target)
				continue
			}
			if to := byPath[target]; link.Anchor != "" && (to == nil || !to.Anchors()[link.Anchor]) {
				t.Errorf("%s:%d: there is no heading #%s in %s", d.Path, link.Line, link.Anchor, target)
			}
			checked++
		}
	}
	if checked == 0 {
		t.Error("no links")
	}
}

func TestTheIndexListsEveryDocument(t *testing.T) {
	t.Parallel()
	index, err := Read(root, "docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{"docs/README.md": true}
	for _, link := range index.Links() {
		listed[path.Join("docs", link.Path)] = true
	}
	for _, d := range documents(t) {
		if path.Dir(d.Path) == "docs" && !listed[d.Path] {
			t.Errorf("docs/README.md does not list %s", d.Path)
		}
	}
}

var (
	// files are words of a command that are a file or directory of the project.
	files = regexp.MustCompile(`(?:^|[\s"'=])((?:api|charts|config|controllers|docs|speaker|test)/[\w./-]*[\w-])`)
	// targets are those of make in a command, variables left out.
	targets = regexp.MustCompile(`(?:^|[\s;&(])make((?: +[\w=./:-]+)+)`)
	// starters begin a line that is code by its indentation.
	starters = regexp.MustCompile(`^    (make|kubectl|helm|go|controller) `)
	target   = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
)

func TestWhatCommandsNameExists(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		known[m[1]] = true
	}
	checked := 0
	for _, d := range documents(t) {
		for _, b := range append(d.Blocks, indented(d)...) {
			for _, command := range commands(b) {
				for _, m := range files.FindAllStringSubmatch(command, -1) {
					checked++
					if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
						t.Errorf("%s:%d: %s: there is no %s", d.Path, b.Line, command, m[1])
					}
				}
				for _, m := range targets.FindAllStringSubmatch(command, -1) {
					for word := range strings.FieldsSeq(m[1]) {
						checked++
						if !strings.ContainsAny(word, "=/") && !known[word] {
							t.Errorf("%s:%d: %s: the Makefile has no target %s", d.Path, b.Line, command, word)
						}
					}
				}
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d files and targets in commands", checked)
	}
}

// indented returns a block for each line that is code by its indentation and begins with a program of interest here. What
// follows after two spaces says what it is for.
func indented(d *Document) []Block {
	var found []Block
	for i, line := range d.Lines {
		if starters.MatchString(line) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
			found = append(found, Block{Line: i + 1, Text: command})
		}
	}
	return found
}

// commands returns the commands in the block: each line of a script, and what follows a prompt in a dialogue. Comments are
// left out.
func commands(b Block) []string {
	var found []string
	for line := range strings.SplitSeq(b.Text, "\n") {
		dialogue := b.Language == "console" || strings.Contains("\n"+b.Text, "\n$ ")
		switch {
		case dialogue:
			if rest, ok := strings.CutPrefix(line, "$ "); ok {
				found = append(found, rest)
			}
		case b.Language == "sh" || b.Language == "":
			line, _, _ = strings.Cut(line, " #")
			found = append(found, line)
		}
	}
	return found
}
