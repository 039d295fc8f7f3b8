// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"context"
	"os"
	"path/filepath"

	"metallb.io/metallb/test/image"
	"metallb.io/metallb/test/programs"
)

// pluginDir is where the plugin of kubectl is.
const pluginDir = "plugin"

// buildPlugin builds the plugin of kubectl from the source tree in the current directory, and puts beside it what completes it.
func (p *Playground) buildPlugin(ctx context.Context) error {
	const completion = "kubectl_complete-metallb"
	if err := os.MkdirAll(p.path(pluginDir), 0o755); err != nil {
		return err
	}
	if err := programs.Build(ctx, programs.Options{}, p.path(pluginDir, image.PluginProgram), "./plugin"); err != nil {
		return err
	}
	script, err := os.ReadFile(filepath.Join("plugin", completion))
	if err != nil {
		return err
	}
	return os.WriteFile(p.path(pluginDir, completion), script, 0o755)
}
