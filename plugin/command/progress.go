// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/terminal"
	"metallb.io/metallb/plugin/withdrawal"
)

// progress follows how far nodes are, and says what is new.
type progress struct {
	e     *environment
	nodes []string
	// withoutSpeaker are nodes on which none runs.
	withoutSpeaker map[string]bool
	sessions       map[string]v1beta1.BGPSessionState
	said           map[string]string
}

func newProgress(e *environment, c *cluster.Cluster, nodes []string) *progress {
	p := &progress{e: e, nodes: nodes, withoutSpeaker: map[string]bool{}, sessions: map[string]v1beta1.BGPSessionState{}, said: map[string]string{}}
	if c.Speakers == nil {
		return p // They may not be read, or run elsewhere.
	}
	for _, name := range nodes {
		p.withoutSpeaker[name] = true
	}
	for i := range c.Pods {
		if cluster.IsSpeaker(&c.Pods[i]) {
			delete(p.withoutSpeaker, c.Pods[i].Spec.NodeName)
		}
	}
	return p
}

// of returns how far the node is.
func (p *progress) of(node string) withdrawal.Progress {
	return withdrawal.ProgressOf(node, slices.Collect(maps.Values(p.sessions)), !p.withoutSpeaker[node])
}

// tell says what is new, and reports whether nothing is to be waited for any more.
func (p *progress) tell() (done bool) {
	done = true
	for _, name := range p.nodes {
		now := p.of(name)
		done = done && now.Phase.Over()
		text := now.String()
		if text == p.said[name] {
			continue
		}
		p.said[name] = text
		mark := terminal.None
		if now.Phase.Over() {
			mark = terminal.Good
		}
		fmt.Fprintf(p.e.Out, "%s node/%s %s\n", p.e.palette.Mark(mark), name, text)
	}
	return done
}

// follow watches until all nodes are drained.
func (p *progress) follow(ctx context.Context, asked client.WithWatch) error {
	in := client.InNamespace(p.e.systemNamespace)
	sessions := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list := &v1beta1.BGPSessionStateList{}
			err := asked.List(ctx, list, in, &client.ListOptions{Raw: &options})
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return asked.Watch(ctx, &v1beta1.BGPSessionStateList{}, in, &client.ListOptions{Raw: &options})
		},
	}
	_, err := watchtools.UntilWithSync(ctx, sessions, &v1beta1.BGPSessionState{}, func(store cache.Store) (bool, error) {
		for _, o := range store.List() {
			p.take(watch.Modified, o)
		}
		return p.tell(), nil
	}, func(event watch.Event) (bool, error) {
		p.take(event.Type, event.Object)
		return p.tell(), nil
	})
	return err
}

func (p *progress) take(event watch.EventType, object any) {
	s, ok := object.(*v1beta1.BGPSessionState)
	switch {
	case !ok:
	case event == watch.Deleted:
		delete(p.sessions, s.Name)
	default:
		p.sessions[s.Name] = *s
	}
}
