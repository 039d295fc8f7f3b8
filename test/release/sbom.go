// SPDX-License-Identifier: Apache-2.0

package release

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// sbom writes what each program of the images is made of, in CycloneDX, as the Go linker has recorded it in the program itself.
func (o Options) sbom(_ context.Context, out string) error {
	programs, err := filepath.Glob(filepath.Join(out, "*-linux-*"))
	if err != nil {
		return err
	}
	for _, program := range programs {
		if err := o.describe(program, out); err != nil {
			return err
		}
	}
	return nil
}

// describe writes what a program is made of.
func (o Options) describe(program, out string) error {
	directory, name := filepath.Join(out, "sbom"), filepath.Base(program)
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return fmt.Errorf("reading what %s is made of: %w", name, err)
	}
	return writeBOM(filepath.Join(directory, name+".cdx.json"), billOfMaterials(name, o.Version, info))
}

func writeBOM(name string, bom *cdx.BOM) (err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
}

// billOfMaterials lists the modules of a program, and Go's own library. It has no time and no random number: the same program has
// the same list.
func billOfMaterials(program, version string, info *debug.BuildInfo) *cdx.BOM {
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	components := make([]cdx.Component, 0, 1+len(info.Deps))
	components = append(components, cdx.Component{
		BOMRef: "pkg:golang/std@" + goVersion, Type: cdx.ComponentTypeLibrary, Name: "std", Version: goVersion, PackageURL: "pkg:golang/std@" + goVersion,
	})
	for _, module := range info.Deps {
		components = append(components, componentOf(cmp.Or(module.Replace, module)))
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: program, Type: cdx.ComponentTypeApplication, Name: program, Version: version,
		Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
	}}
	bom.Components = &components
	uses := make([]string, 0, len(components))
	for _, component := range components {
		uses = append(uses, component.BOMRef)
	}
	bom.Dependencies = &[]cdx.Dependency{{Ref: program, Dependencies: &uses}}
	return bom
}

// componentOf describes a module. Its hash is that of go.sum, SHA-256 over the hashes of the module's files.
func componentOf(module *debug.Module) cdx.Component {
	component := cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: module.Path, Version: module.Version, PackageURL: "pkg:golang/" + module.Path + "@" + module.Version,
	}
	component.BOMRef = component.PackageURL
	if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(module.Sum, "h1:")); err == nil && len(sum) > 0 {
		component.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
	}
	return component
}
