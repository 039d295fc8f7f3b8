// SPDX-License-Identifier: Apache-2.0

package release

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/test/image"
)

// Media types of a chart in a registry, see https://helm.sh/docs/topics/registries.
const (
	chartConfig  types.MediaType = "application/vnd.cncf.helm.config.v1+json"
	chartContent types.MediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// number is the version without its v, as charts have it.
func (o Options) number() string { return strings.TrimPrefix(o.Version, "v") }

func (o Options) packaged(out string) string {
	return filepath.Join(out, "metallb-"+o.number()+".tgz")
}

// chartArtifact writes the chart's package as an OCI image layout too, from which tools copy it to a registry, so that
// `helm install oci://` finds it there.
func (o Options) chartArtifact(_ context.Context, out string) error {
	content, err := os.ReadFile(o.packaged(out))
	if err != nil {
		return err
	}
	metadata, err := os.ReadFile(filepath.Join(o.Source, "charts", "metallb", "Chart.yaml"))
	if err != nil {
		return err
	}
	artifact, err := chartImage(content, metadata, o)
	if err != nil {
		return fmt.Errorf("describing the chart: %w", err)
	}
	return image.SaveArtifact(filepath.Join(out, "metallb-"+o.number()+".oci.tar"), o.number(), artifact)
}

// chartImage returns what a registry has of a chart: its metadata as the configuration, and its package as the only layer.
func chartImage(content, metadata []byte, o Options) (v1.Image, error) {
	chart := map[string]any{}
	if err := yaml.Unmarshal(metadata, &chart); err != nil {
		return nil, err
	}
	chart["version"], chart["appVersion"] = o.number(), o.Version
	config, err := json.Marshal(chart)
	if err != nil {
		return nil, err
	}
	config = []byte(strings.ReplaceAll(string(config), DefaultRepository, o.Repository))
	layer := static.NewLayer(content, chartContent)
	manifest := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Annotations: map[string]string{
			"org.opencontainers.image.title": "metallb", "org.opencontainers.image.version": o.number(), "org.opencontainers.image.source": o.Repository,
		},
	}
	if manifest.Config, err = describe(static.NewLayer(config, chartConfig)); err != nil {
		return nil, err
	}
	described, err := describe(layer)
	if err != nil {
		return nil, err
	}
	manifest.Layers = []v1.Descriptor{described}
	raw, err := json.Marshal(manifest)
	if err != nil {
		return nil, err
	}
	return partial.CompressedToImage(&artifact{manifest: raw, config: config, layer: layer})
}

func describe(layer v1.Layer) (v1.Descriptor, error) {
	descriptor, err := partial.Descriptor(layer)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return *descriptor, nil
}

// artifact is an image in the sense of registries, with one layer.
type artifact struct {
	manifest, config []byte
	layer            v1.Layer
}

// RawManifest returns the manifest.
func (a *artifact) RawManifest() ([]byte, error) { return bytes.Clone(a.manifest), nil }

// RawConfigFile returns the configuration.
func (a *artifact) RawConfigFile() ([]byte, error) { return bytes.Clone(a.config), nil }

// MediaType returns that of the manifest.
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// LayerByDigest returns the layer with the digest.
func (a *artifact) LayerByDigest(hash v1.Hash) (partial.CompressedLayer, error) {
	if own, err := a.layer.Digest(); err != nil || own != hash {
		return nil, fmt.Errorf("no layer has the digest %s", hash)
	}
	return a.layer, nil
}
