// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// digest is the SHA-256 of a file of the release.
type digest struct {
	name, sum string
}

// digests returns those of all files that are there, in the order of their names.
func digests(out string) ([]digest, error) {
	var found []digest
	err := filepath.WalkDir(out, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.Open(file)
		if err != nil {
			return err
		}
		defer content.Close()
		hash := sha256.New()
		if _, err := io.Copy(hash, content); err != nil {
			return err
		}
		name, err := filepath.Rel(out, file)
		found = append(found, digest{name, hex.EncodeToString(hash.Sum(nil))})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("summing up: %w", err)
	}
	return found, nil
}

// checksums writes SHA256SUMS, as sha256sum --check reads it.
func checksums(_ context.Context, out string) error {
	files, err := digests(out)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, file := range files {
		fmt.Fprintf(&text, "%s  %s\n", file.sum, file.name)
	}
	return os.WriteFile(filepath.Join(out, sums), []byte(text.String()), 0o644)
}

// signingKey reads a private key, ECDSA or RSA, in PEM as openssl writes it. The key is nil if the name is empty.
func signingKey(file string) (crypto.Signer, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	refused := fmt.Errorf("SIGNING_KEY=%s: is not a private key in PEM (PKCS #8) of type ECDSA or RSA, as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes", file)
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, refused
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, refused
	}
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		return key, nil
	case *rsa.PrivateKey:
		return key, nil
	}
	return nil, refused
}

// sign writes the signature of SHA256SUMS, as openssl dgst -verify reads it, and the public key. Without a key it writes nothing.
func sign(out string, key crypto.Signer) error {
	if key == nil {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(out, sums))
	if err != nil {
		return err
	}
	hash := sha256.Sum256(text)
	signature, err := key.Sign(rand.Reader, hash[:], crypto.SHA256)
	if err != nil {
		return fmt.Errorf("signing %s: %w", sums, err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("signing %s: %w", sums, err)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(out, sums+".sig"), signature, 0o644),
		os.WriteFile(filepath.Join(out, sums+".pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o644),
	)
}
