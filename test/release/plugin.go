// SPDX-License-Identifier: Apache-2.0

package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"

	"metallb.io/metallb/test/image"
)

// pluginPlatform is what the plugin of kubectl runs on, in the words of Go and of krew.
type pluginPlatform struct{ system, architecture string }

// pluginPlatforms are those that the plugin is released for.
func pluginPlatforms() []pluginPlatform {
	return []pluginPlatform{
		{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {windows, "amd64"}, {windows, "arm64"},
	}
}

const windows = "windows"

// program is what the plugin's file is called.
func (p pluginPlatform) program() string {
	if p.system == windows {
		return image.PluginProgram + ".exe"
	}
	return image.PluginProgram
}

// name is that of the platform's files, without what they end in.
func (p pluginPlatform) name() string {
	return image.PluginProgram + "-" + p.system + "-" + p.architecture
}

// archive is the name of the archive.
func (p pluginPlatform) archive() string {
	if p.system == windows {
		return p.name() + ".zip"
	}
	return p.name() + ".tar.gz"
}

// plugin writes an archive of the plugin of kubectl for each platform, what is in the programs, and the manifest for krew.
func (o Options) plugin(ctx context.Context, out string) error {
	built, err := os.MkdirTemp("", "release-plugin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(built)
	for _, p := range pluginPlatforms() {
		program := filepath.Join(built, p.name())
		if err := image.Plugin(ctx, o.imageOptions(built), p.system, p.architecture, program); err != nil {
			return err
		}
		if err := o.describe(program, out); err != nil {
			return err
		}
		if err := o.pack(p, program, out); err != nil {
			return err
		}
	}
	return o.krew(out)
}

// member is a file in an archive.
type member struct {
	name    string
	mode    int64
	content []byte
}

// pack writes the archive of the program for the platform.
func (o Options) pack(p pluginPlatform, program, out string) error {
	members := []member{{p.program(), 0o755, nil}, {"LICENSE", 0o644, nil}}
	sources := []string{program, filepath.Join(o.Source, "LICENSE")}
	if p.system != windows { // kubectl completes by it; it is for a shell.
		members = append(members, member{"kubectl_complete-metallb", 0o755, nil})
		sources = append(sources, filepath.Join(o.Source, "plugin", "kubectl_complete-metallb"))
	}
	for i, source := range sources {
		var err error
		if members[i].content, err = os.ReadFile(source); err != nil {
			return err
		}
	}
	archive := tarred
	if p.system == windows {
		archive = zipped
	}
	content, err := archive(members)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, p.archive()), content, 0o644)
}

// tarred returns the files in a compressed tar. Equal files make equal tars: nothing has a time.
func tarred(members []member) ([]byte, error) {
	var out bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	writer := tar.NewWriter(compressed)
	for _, m := range members {
		if err := writer.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: m.name, Mode: m.mode, Size: int64(len(m.content))}); err != nil {
			return nil, err
		}
		if _, err := writer.Write(m.content); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	err = compressed.Close()
	return out.Bytes(), err
}

// zipped does so in a zip.
func zipped(members []member) ([]byte, error) {
	var out bytes.Buffer
	writer := zip.NewWriter(&out)
	for _, m := range members {
		header := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		header.SetMode(os.FileMode(m.mode))
		file, err := writer.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := file.Write(m.content); err != nil {
			return nil, err
		}
	}
	err := writer.Close()
	return out.Bytes(), err
}
