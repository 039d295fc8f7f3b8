// SPDX-License-Identifier: Apache-2.0

package image

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Accounts of FRR, whose daemons give up root for them: numbers are the image's own.
const (
	frrUser     = 100
	frrvtyGroup = 101
)

// routerPrograms are those of Debian's packages bird2 and frr that the test router runs, or a person in its container.
func routerPrograms() []string {
	return []string{
		"/usr/sbin/bird", "/usr/sbin/birdc", "/usr/lib/frr/bgpd", "/usr/lib/frr/zebra", "/usr/bin/vtysh",
	}
}

// Router returns the image of the test router: its static program, and BIRD and FRR of this machine.
func Router(program string, level Level) (v1.Image, error) {
	tree := NewTree(level)
	tree.AddUser(User{Name: "frr", ID: frrUser, Home: "/"})
	tree.AddGroup("frrvty", frrvtyGroup, "frr")
	for _, name := range routerPrograms() {
		if err := tree.AddProgram(name); err != nil {
			return nil, err
		}
	}
	tree.AddDir("/etc/frr", 0o755, frrUser)
	tree.AddText("/etc/frr/vtysh.conf", "")
	tree.AddDir("/run/frr", 0o755, frrUser)
	tree.AddDir("/var/log/frr", 0o755, frrUser)
	tree.AddDir("/run/bird", 0o755, 0)
	tree.AddSymlink("/var/run", "/run")
	tree.AddFile(program, "/router", 0o755)
	return tree.Image(v1.Config{Entrypoint: []string{"/router"}})
}
