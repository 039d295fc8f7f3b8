// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"metallb.io/metallb/test/programs"
)

// NginxName is what the image of nginx is called: the name of the public image that the tutorial uses elsewhere.
const NginxName = "docker.io/library/nginx:1"

const nginxUser = 101 // as in the public image

// nginxConfig has the same effect as that of the public image: sites are in conf.d, logs are the container's.
const nginxConfig = `user nginx;
worker_processes auto;
error_log /dev/stderr notice;
pid /run/nginx.pid;

events {
  worker_connections 1024;
}

http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  sendfile on;
  include /etc/nginx/conf.d/*.conf;
}
`

const nginxSite = `server {
  listen 80;
  listen [::]:80;
  root /usr/share/nginx/html;
  index index.html;
}
`

// Nginx returns an image of Debian's nginx with the layout of the public image: /etc/nginx/conf.d/*.conf are the sites,
// /usr/share/nginx/html is the page. The packages are downloaded with apt-get, not installed, and kept in the directory
// cache; what is there is not downloaded again.
func Nginx(ctx context.Context, cache string) (v1.Image, error) {
	root, err := os.MkdirTemp("", "nginx-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	if err := unpackWithLibraries(ctx, cache, root, "nginx", "nginx-common"); err != nil {
		return nil, fmt.Errorf("getting nginx: %w", err)
	}
	host := Host{Root: root}
	tree := NewTree()
	tree.AddUser(User{Name: "nginx", ID: nginxUser, Home: "/"})
	if err := tree.AddProgram(host, "/usr/sbin/nginx"); err != nil {
		return nil, err
	}
	for _, name := range []string{"/etc/nginx/mime.types", "/usr/share/nginx/html/index.html"} {
		file, err := host.find(name)
		if err != nil {
			return nil, fmt.Errorf("getting nginx: %w", err)
		}
		tree.AddFile(file, name, 0o644)
	}
	tree.AddText("/etc/nginx/nginx.conf", nginxConfig)
	tree.AddText("/etc/nginx/conf.d/default.conf", nginxSite)
	tree.AddDir("/var/lib/nginx", 0o755, 0)
	tree.AddDir("/var/log/nginx", 0o755, 0)
	tree.AddDir("/run", 0o755, 0)
	return tree.Image(v1.Config{
		Entrypoint: []string{"/usr/sbin/nginx", "-e", "/dev/stderr", "-g", "daemon off;"},
		StopSignal: "SIGQUIT", // lets requests end
	})
}

// unpackWithLibraries unpacks Debian packages, and those of the libraries that they depend on, into root.
func unpackWithLibraries(ctx context.Context, cache, root string, packages ...string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	files, err := download(ctx, cache, packages)
	if err != nil {
		return err
	}
	var libraries []string
	for _, file := range files {
		depends, err := programs.Run(ctx, cache, "dpkg-deb", "--field", file, "Depends")
		if err != nil {
			return err
		}
		libraries = append(libraries, libraryPackages(depends)...)
	}
	slices.Sort(libraries)
	more, err := download(ctx, cache, slices.Compact(libraries))
	if err != nil {
		return err
	}
	for _, file := range append(files, more...) {
		if _, err := programs.Run(ctx, cache, "dpkg-deb", "--extract", file, root); err != nil {
			return err
		}
	}
	return nil
}

// libraryPackages returns the packages of libraries in a Depends field, see deb-control(5): the first of alternatives.
func libraryPackages(depends string) []string {
	var names []string
	for clause := range strings.SplitSeq(depends, ",") {
		name := regexp.MustCompile(`^[a-z0-9.+-]+`).FindString(strings.TrimSpace(clause))
		if strings.HasPrefix(name, "lib") || strings.HasPrefix(name, "zlib") {
			names = append(names, name)
		}
	}
	return names
}

// download returns the files of packages, which it downloads to dir if they are not there.
func download(ctx context.Context, dir string, packages []string) ([]string, error) {
	var missing []string
	for _, name := range packages {
		if newestPackage(dir, name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		if _, err := exec.LookPath("apt-get"); err != nil {
			return nil, fmt.Errorf("the packages %s are downloaded with apt-get, on Debian or Ubuntu: %w", strings.Join(missing, ", "), err)
		}
		args := append([]string{"-o", "APT::Sandbox::User=root", "download"}, missing...)
		if _, err := programs.Run(ctx, dir, "apt-get", args...); err != nil {
			// A new machine has no package lists, and one that was left alone has old ones.
			if _, updateErr := programs.Run(ctx, dir, "apt-get", "update", "--quiet=2"); updateErr != nil {
				return nil, errors.Join(err, updateErr)
			}
			if _, err := programs.Run(ctx, dir, "apt-get", args...); err != nil {
				return nil, err
			}
		}
	}
	var files []string
	for _, name := range packages {
		file := newestPackage(dir, name)
		if file == "" {
			return nil, fmt.Errorf("apt-get has downloaded no package %s", name)
		}
		files = append(files, file)
	}
	return files, nil
}

// newestPackage returns the file of a package in dir, NAME_VERSION_ARCH.deb, that was written last.
func newestPackage(dir, name string) string {
	files, err := filepath.Glob(filepath.Join(dir, name+"_*.deb"))
	if err != nil {
		return ""
	}
	newest := ""
	var when int64
	for _, file := range files {
		if stat, err := os.Stat(file); err == nil && stat.ModTime().UnixNano() > when {
			newest, when = file, stat.ModTime().UnixNano()
		}
	}
	return newest
}
