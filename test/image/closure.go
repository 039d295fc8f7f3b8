// SPDX-License-Identifier: Apache-2.0

package image

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// AddProgram adds a program of this machine at its own path, with the ELF interpreter and the shared libraries that it and
// they need. It does not see what a program loads by itself later.
func (t *Tree) AddProgram(name string) error {
	if err := t.mergeUsr(); err != nil {
		return err
	}
	if err := t.addELF(name); err != nil {
		return fmt.Errorf("adding the program %s: %w", name, err)
	}
	return nil
}

// addELF adds an ELF file at its own path, and what it needs.
func (t *Tree) addELF(name string) error {
	dir := canonicalDir(path.Dir(name))
	place := path.Join(dir, path.Base(name))
	if _, done := t.entries[place]; done {
		return nil
	}
	binary, err := elf.Open(name)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	defer binary.Close()
	t.AddFile(name, place, 0o755)
	if interpreter := interpreterOf(binary); interpreter != "" {
		if err := t.addELF(interpreter); err != nil {
			return err
		}
	}
	needed, err := binary.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("reading the libraries of %s: %w", name, err)
	}
	dirs := slices.Concat(runPath(binary, dir), libraryDirs(binary.Machine))
	for _, library := range needed {
		found, err := findLibrary(library, dirs, binary)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := t.addELF(found); err != nil {
			return err
		}
	}
	return nil
}

// findLibrary returns the absolute path of the first library of a name that suits the binary.
func findLibrary(library string, dirs []string, binary *elf.File) (string, error) {
	for _, dir := range dirs {
		name := path.Join(dir, library)
		candidate, err := elf.Open(name)
		if err != nil {
			continue // It is not there, or something else, such as a linker script.
		}
		suits := candidate.Machine == binary.Machine && candidate.Class == binary.Class
		if err := candidate.Close(); err != nil {
			return "", err
		}
		if suits {
			return name, nil
		}
	}
	return "", fmt.Errorf("the library %s is in none of %s", library, strings.Join(dirs, ", "))
}

// interpreterOf returns the program that loads a dynamically linked one.
func interpreterOf(binary *elf.File) string {
	for _, p := range binary.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		text := make([]byte, p.Filesz)
		if _, err := p.ReadAt(text, 0); err == nil {
			return strings.TrimRight(string(text), "\x00")
		}
	}
	return ""
}

// runPath returns the directories that a file in dir says to search for its libraries, see ld.so(8).
func runPath(binary *elf.File, dir string) []string {
	var dirs []string
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		values, err := binary.DynString(tag)
		if err != nil || len(values) == 0 {
			continue
		}
		for d := range strings.SplitSeq(values[0], ":") {
			dirs = append(dirs, strings.NewReplacer("$ORIGIN", dir, "${ORIGIN}", dir).Replace(d))
		}
		break // the first excludes the second
	}
	return dirs
}

// libraryDirs are where the interpreter looks with no configuration, on Debian and on others.
func libraryDirs(machine elf.Machine) []string {
	dirs := []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib"}
	switch machine {
	case elf.EM_X86_64:
		return append([]string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"}, dirs...)
	case elf.EM_AARCH64:
		return append([]string{"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}, dirs...)
	default: // others have no folders of their own
		return dirs
	}
}

// mergedDirs are links into /usr on any system of today.
func mergedDirs() []string { return []string{"bin", "sbin", "lib", "lib64"} }

// mergeUsr adds the links into /usr that this machine has.
func (t *Tree) mergeUsr() error {
	for _, dir := range mergedDirs() {
		target, err := os.Readlink("/" + dir)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EINVAL) {
			continue // there is none, or it is a folder
		} else if err != nil {
			return err
		}
		t.AddSymlink("/"+dir, strings.TrimPrefix(target, "/"))
	}
	return nil
}

// canonicalDir resolves a link into /usr at the start of a path, so that nothing is put below a link.
func canonicalDir(dir string) string {
	for _, merged := range mergedDirs() {
		rest, found := strings.CutPrefix(dir+"/", "/"+merged+"/")
		target, err := os.Readlink("/" + merged)
		if found && err == nil {
			return path.Join("/", target, rest)
		}
	}
	return dir
}
