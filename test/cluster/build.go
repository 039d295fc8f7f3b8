// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/modfile"

	"metallb.io/metallb/test/programs"
)

// goDirective is the language version of the scratch modules in which programs are built.
const goDirective = "1.26.0"

// Build makes sure that the named programs, or all if none is named, are in the directory bin. It builds from their Go
// modules what is missing there or is of another version, with the go command of the PATH; on two cold cores the
// whole takes about twelve minutes. Names are those of the files: kube-apiserver, etcd, kubectl, helm and so on.
//
// What Build did is told to progress. A program appears in bin complete or not at all. Several Builds into one
// directory wait for each other, hence build nothing twice.
func Build(ctx context.Context, bin string, progress io.Writer, names ...string) error {
	wanted, err := selectPrograms(names)
	if err != nil {
		return err
	}
	if len(outdated(bin, wanted)) == 0 {
		return nil
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("creating the directory of programs: %w", err)
	}
	unlock, err := programs.Lock(ctx, filepath.Join(bin, ".lock"), func() {
		fmt.Fprintf(progress, "waiting for another build into %s\n", bin)
	})
	if err != nil {
		return err
	}
	defer unlock()
	todo := outdated(bin, wanted)
	if len(todo) == 0 {
		return nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("programs have to be built, and the go command is not in the PATH: %w", err)
	}
	if err := missingError(buildRequirements(todo)); err != nil {
		return err
	}
	for i, p := range todo {
		fmt.Fprintf(progress, "building %s (%d/%d)\n", strings.TrimSpace(p.name+" "+p.version), i+1, len(todo))
		began := time.Now()
		if err := p.build(ctx, bin); err != nil {
			return err
		}
		fmt.Fprintf(progress, "built %s in %s\n", p.name, time.Since(began).Round(100*time.Millisecond))
	}
	return nil
}

// outdated returns those programs that are not in bin in their present version.
func outdated(bin string, list []program) []program {
	var todo []program
	for _, p := range list {
		if !p.current(filepath.Join(bin, p.name)) {
			todo = append(todo, p)
		}
	}
	return todo
}

// current tells whether file is the program in its present version. Go writes into each binary the module it was built
// from, which serves as the stamp. A program that is built from source here has no version and needs but exist.
func (p program) current(file string) bool {
	if stat, err := os.Stat(file); err != nil || stat.Mode()&0o111 == 0 {
		return false
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return false
	}
	return p.source != nil || (info.Path == p.pkg && info.Main.Path == p.module && info.Main.Version == p.version)
}

// build compiles the program in a scratch module that requires its module alone, and moves it to bin when done.
func (p program) build(ctx context.Context, bin string) error {
	dir, err := os.MkdirTemp("", "build-"+p.name+"-")
	if err != nil {
		return fmt.Errorf("building %s: %w", p.name, err)
	}
	defer os.RemoveAll(dir)
	pkg, err := p.prepare(ctx, dir)
	if err != nil {
		return fmt.Errorf("building %s: %w", p.name, err)
	}
	out := filepath.Join(bin, fmt.Sprintf(".%s.%d", p.name, os.Getpid()))
	defer os.Remove(out)
	if err := p.goCommand(ctx, dir, "build", "-mod=mod", "-tags", p.tags, "-ldflags", p.ldflags, "-o", out, pkg); err != nil {
		return fmt.Errorf("building %s: %w", p.name, err)
	}
	if err := os.Rename(out, filepath.Join(bin, p.name)); err != nil {
		return fmt.Errorf("building %s: %w", p.name, err)
	}
	return nil
}

// prepare writes the scratch module and returns the package to build in it.
func (p program) prepare(ctx context.Context, dir string) (string, error) {
	file := new(modfile.File)
	errs := []error{file.AddModuleStmt("scratch"), file.AddGoStmt(goDirective)}
	pkg := p.pkg
	if p.source != nil {
		pkg = "."
		errs = append(errs, os.WriteFile(filepath.Join(dir, "main.go"), p.source, 0o600))
	} else {
		errs = append(errs, file.AddRequire(p.module, p.version))
	}
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	if p.staging != "" {
		staging, err := p.stagingModules(ctx, dir)
		if err != nil {
			return "", err
		}
		for _, module := range staging {
			if err := file.AddReplace(module, "", module, p.staging); err != nil {
				return "", err
			}
		}
	}
	text, err := file.Format()
	if err != nil {
		return "", err
	}
	return pkg, os.WriteFile(filepath.Join(dir, "go.mod"), text, 0o600)
}

// stagingModules names the modules that kubernetes requires at v0.0.0 and replaces by folders of its own tree. They are
// published separately, at p.staging.
func (p program) stagingModules(ctx context.Context, dir string) ([]string, error) {
	download, err := programs.Download(ctx, dir, p.module+"@"+p.version)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(download.GoMod)
	if err != nil {
		return nil, err
	}
	file, err := modfile.ParseLax(download.GoMod, text, nil)
	if err != nil {
		return nil, err
	}
	var modules []string
	for _, r := range file.Require {
		if r.Mod.Version == "v0.0.0" && strings.HasPrefix(r.Mod.Path, "k8s.io/") {
			modules = append(modules, r.Mod.Path)
		}
	}
	return modules, nil
}

// goCommand runs the go command in dir, apart from any workspace or vendoring that surrounds the caller.
func (p program) goCommand(ctx context.Context, dir string, args ...string) error {
	environment := []string{"GOWORK=off", "GOFLAGS=", "GOOS=", "GOARCH="}
	if p.cgo != "" {
		environment = append(environment, "CGO_ENABLED="+p.cgo)
	}
	_, err := programs.Go(ctx, dir, environment, args...)
	return err
}
