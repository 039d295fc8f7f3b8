// SPDX-License-Identifier: Apache-2.0

package release

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
)

// statement is an in-toto statement, https://in-toto.io/Statement/v1, with SLSA's provenance, https://slsa.dev/spec/v1.0/provenance.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

type subject struct {
	Name   string            `json:"name,omitempty"`
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest"`
}

type predicate struct {
	BuildDefinition struct {
		BuildType            string            `json:"buildType"`
		ExternalParameters   map[string]any    `json:"externalParameters"`
		InternalParameters   map[string]string `json:"internalParameters"`
		ResolvedDependencies []subject         `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID string `json:"id"`
		} `json:"builder"`
	} `json:"runDetails"`
}

// provenance writes from which commit, and with which settings, the files were made. It is what the machine that made them says of itself: nobody else
// vouches for it.
func (o Options) provenance(ctx context.Context, out string) error {
	commit, err := git(ctx, o.Source, "rev-parse", "HEAD")
	if err != nil {
		return err
	}
	files, err := digests(out)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(o.statementOf(commit, files), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, provenance), append(text, '\n'), 0o644)
}

func (o Options) statementOf(commit string, files []digest) statement {
	s := statement{Type: "https://in-toto.io/Statement/v1", PredicateType: "https://slsa.dev/provenance/v1"}
	for _, file := range files {
		s.Subject = append(s.Subject, subject{Name: file.name, Digest: map[string]string{"sha256": file.sum}})
	}
	platforms := make([]string, 0, len(o.Platforms))
	for _, p := range o.Platforms {
		platforms = append(platforms, p.String())
	}
	build := &s.Predicate.BuildDefinition
	build.BuildType = o.Repository + "/blob/" + commit + "/CONTRIBUTING.md#releasing"
	build.ExternalParameters = map[string]any{"version": o.Version, "imagePrefix": o.ImagePrefix, "platforms": platforms}
	build.InternalParameters = map[string]string{"go": runtime.Version()}
	build.ResolvedDependencies = []subject{{URI: "git+" + o.Repository, Digest: map[string]string{"gitCommit": commit}}}
	s.Predicate.RunDetails.Builder.ID = o.Repository + "/blob/" + commit + "/test/release"
	return s
}
