// SPDX-License-Identifier: Apache-2.0

package debug

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/internal/process"
	"metallb.io/metallb/speaker/node"
)

// The filters of pages.
const (
	filterPeer    = "peer"
	filterPool    = "pool"
	filterService = "service"
)

// Speaker is what the pages are about.
type Speaker interface {
	Inspect() (*node.Inspection, error)
	InspectService(ctx context.Context, i *node.Inspection, name types.NamespacedName) (node.ServiceInspection, bool, error)
	InspectServices(ctx context.Context, i *node.Inspection) ([]node.ServiceInspection, error)
}

// Pages returns the speaker's pages.
func Pages(s Speaker) []process.Page {
	return []process.Page{
		{
			Name: "policy", Purpose: "the configuration of this node: sessions, pools, advertisements and rejected objects",
			Filters: []string{filterPeer, filterPool}, Answer: inspecting(s, tellPolicy),
		},
		{
			Name: "rib", Purpose: "the routes to announce to each peer, and the reason why an address is not announced",
			Filters: []string{filterService, filterPeer, filterPool}, Answer: inspecting(s, tellRIB),
		},
		{
			Name: "sessions", Purpose: "the state of the BGP sessions",
			Filters: []string{filterPeer}, Answer: inspecting(s, tellSessions),
		},
	}
}

type filters struct{ peer, pool, service string }

// name returns the name of the service; an error if it is none.
func (f filters) name() (types.NamespacedName, error) {
	namespace, name, found := strings.Cut(f.service, "/")
	if !found || namespace == "" || name == "" {
		return types.NamespacedName{}, fmt.Errorf("service %q: write NAMESPACE/NAME: %w", f.service, process.ErrNoMatch)
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, nil
}

// question is what a page has to answer.
type question struct {
	filters

	speaker Speaker
	now     *node.Inspection
}

// inspecting returns the answer of a page that tells of one moment.
func inspecting(s Speaker, tell func(context.Context, *question) (any, error)) func(context.Context, url.Values) (any, error) {
	return func(ctx context.Context, values url.Values) (any, error) {
		now, err := s.Inspect()
		if errors.Is(err, node.ErrNotConfigured) {
			return nil, fmt.Errorf("%w: %w", err, process.ErrNotYet)
		}
		if err != nil {
			return nil, err
		}
		f := filters{peer: values.Get(filterPeer), pool: values.Get(filterPool), service: values.Get(filterService)}
		return tell(ctx, &question{filters: f, speaker: s, now: now})
	}
}

// unmatched says that a filter matches nothing of what it is for.
func unmatched(kind, name string) error {
	return fmt.Errorf("no %s %q on this node: %w", kind, name, process.ErrNoMatch)
}
