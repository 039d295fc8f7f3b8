// SPDX-License-Identifier: Apache-2.0

package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChecksumsAreWhatSha256sumReads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "images"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "notes", "text")
	write(t, dir, "images/speaker.tar", "image")
	if err := checksums(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", sums)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if diff := cmp.Diff("images/speaker.tar: OK\nnotes: OK\n", string(out)); diff != "" || err != nil {
		t.Errorf("error %v, (-want +got):\n%s", err, diff)
	}
}

// The commands are those of CONTRIBUTING.md.
func TestOpenSSLVerifiesTheSignature(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skipf("no openssl: %v", err)
	}
	for name, args := range map[string][]string{
		"ECDSA": {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		"RSA":   {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "key.pem")
			run(t, dir, "openssl", append([]string{"genpkey", "-out", secret}, args...)...)
			write(t, dir, sums, "sums")
			key, err := signingKey(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := sign(dir, key); err != nil {
				t.Fatal(err)
			}
			verify := []string{"dgst", "-sha256", "-verify", sums + ".pub", "-signature", sums + ".sig", sums}
			if out := run(t, dir, "openssl", verify...); out != "Verified OK\n" {
				t.Errorf("openssl says %q", out)
			}
			write(t, dir, sums, "other sums")
			cmd := exec.CommandContext(t.Context(), "openssl", verify...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err == nil {
				t.Errorf("openssl takes the signature of something else: %s", out)
			}
		})
	}
}

func TestAKeyThatCannotSignIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "none.pem", "no key")
	for name, file := range map[string]string{"no key": "none.pem", "no file": "missing.pem"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := signingKey(filepath.Join(dir, file))
			if err == nil || key != nil || !strings.Contains(err.Error(), file) {
				t.Errorf("key %v, error %v", key, err)
			}
		})
	}
	if key, err := signingKey(""); key != nil || err != nil {
		t.Errorf("without a key: %v, %v", key, err)
	}
}
