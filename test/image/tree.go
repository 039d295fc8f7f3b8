// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Level is how much layers are compressed, see compress/gzip.
type Level int

// Levels of compression.
const (
	// Unpacked is for images that this machine unpacks at once.
	Unpacked Level = gzip.NoCompression
	// Pulled is for images that others pull.
	Pulled Level = gzip.DefaultCompression
)

// User is an entry of /etc/passwd, and of /etc/group under the same name and id.
type User struct {
	Name string
	ID   int
	Home string
}

// Tree is a file system to be: paths are absolute, and folders above a path come by themselves. What is wrong with it comes
// out when it is made into an image.
type Tree struct {
	level   Level
	entries map[string]entry // by absolute path
	users   []User
	groups  []group
}

type group struct {
	name    string
	id      int
	members []string
}

type entry struct {
	header tar.Header
	host   string // file to read the content from, or
	text   []byte
}

// NewTree returns a tree of root's and nobody's entries in /etc/passwd and /etc/group, and /tmp.
func NewTree(level Level) *Tree {
	t := &Tree{level: level, entries: make(map[string]entry)}
	t.AddUser(User{Name: "root", ID: 0, Home: "/"})
	t.AddUser(User{Name: "nobody", ID: 65534, Home: "/"})
	t.AddDir("/tmp", 0o1777, 0)
	return t
}

// AddUser adds a user and its group.
func (t *Tree) AddUser(u User) {
	t.users = append(t.users, u)
	t.AddGroup(u.Name, u.ID)
}

// AddGroup adds a group, and those of its members whose own group is another.
func (t *Tree) AddGroup(name string, id int, members ...string) {
	t.groups = append(t.groups, group{name: name, id: id, members: members})
}

// AddDir adds a folder that belongs to a user.
func (t *Tree) AddDir(name string, mode int64, owner int) {
	t.add(name, entry{header: tar.Header{Typeflag: tar.TypeDir, Mode: mode, Uid: owner, Gid: owner}})
}

// AddFile adds a copy of the file host.
func (t *Tree) AddFile(host, name string, mode int64) {
	t.add(name, entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: mode}, host: host})
}

// AddText adds a file with a text.
func (t *Tree) AddText(name, text string) {
	t.add(name, entry{header: tar.Header{Typeflag: tar.TypeReg, Mode: 0o644}, text: []byte(text)})
}

// AddSymlink adds a symbolic link.
func (t *Tree) AddSymlink(name, target string) {
	t.add(name, entry{header: tar.Header{Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: target}})
}

func (t *Tree) add(name string, e entry) { t.entries[path.Clean("/"+name)] = e }

// layer writes the tree as a layer. Equal trees are equal layers: files have no times.
func (t *Tree) layer() (v1.Layer, error) {
	for name := range maps.Clone(t.entries) {
		for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
			if _, ok := t.entries[dir]; !ok {
				t.AddDir(dir, 0o755, 0)
			}
		}
	}
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(t.entries)) {
		if err := t.entries[name].write(writer, name); err != nil {
			return nil, fmt.Errorf("adding %s to the image: %w", name, err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil }
	// Without the cache it would be compressed twice.
	return tarball.LayerFromOpener(open, tarball.WithCompressionLevel(int(t.level)), tarball.WithCompressedCaching, tarball.WithMediaType(types.OCILayer))
}

// write writes the entry to a tar, in which names are relative and those of folders end in a slash.
func (e entry) write(writer *tar.Writer, name string) error {
	header := e.header
	header.Name = strings.TrimPrefix(name, "/")
	if header.Typeflag == tar.TypeDir {
		header.Name += "/"
	}
	content := e.text
	if e.host != "" {
		text, err := os.ReadFile(e.host)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is not on this machine: %w", e.host, err)
		} else if err != nil {
			return err
		}
		content = text
	}
	header.Size = int64(len(content))
	if err := writer.WriteHeader(&header); err != nil {
		return err
	}
	_, err := writer.Write(content)
	return err
}

func (t *Tree) passwd() string {
	var out strings.Builder
	for _, u := range t.users {
		fmt.Fprintf(&out, "%s:x:%d:%[2]d::%s:/sbin/nologin\n", u.Name, u.ID, u.Home)
	}
	return out.String()
}

func (t *Tree) groupText() string {
	var out strings.Builder
	for _, g := range t.groups {
		fmt.Fprintf(&out, "%s:x:%d:%s\n", g.name, g.id, strings.Join(g.members, ","))
	}
	return out.String()
}
