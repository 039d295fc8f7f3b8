// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"
)

// archive is a compressed tar file.
type archive struct {
	// root is the directory that all files are in.
	root  string
	now   time.Time
	zip   *gzip.Writer
	tar   *tar.Writer
	files int
}

func newArchive(w io.Writer, root string, now time.Time) *archive {
	zip := gzip.NewWriter(w)
	return &archive{root: root, now: now, zip: zip, tar: tar.NewWriter(zip)}
}

// add adds a file.
func (a *archive) add(name string, content []byte) error {
	header := &tar.Header{Name: a.root + "/" + name, Mode: 0o600, Size: int64(len(content)), ModTime: a.now}
	if err := a.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("adding %s to the archive: %w", name, err)
	}
	if _, err := a.tar.Write(content); err != nil {
		return fmt.Errorf("adding %s to the archive: %w", name, err)
	}
	a.files++
	return nil
}

func (a *archive) close() error { return errors.Join(a.tar.Close(), a.zip.Close()) }
