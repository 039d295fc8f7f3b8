// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/naming"
	"metallb.io/metallb/speaker/publisher"
)

// +kubebuilder:rbac:groups=metallb.io,resources=bgpsessionstates,verbs=get;list;create;delete,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=bgpsessionstates/status,verbs=patch,namespace=metallb-system

// Cluster is the Store of a cluster.
type Cluster struct {
	publisher.Cluster[v1beta1.BGPSessionState, *v1beta1.BGPSessionState]
}

// NewCluster returns the Store. The reader asks the API server itself: what is seldom read needs no cache.
func NewCluster(reader client.Reader, writer client.Client, node, namespace string) *Cluster {
	return &Cluster{publisher.Cluster[v1beta1.BGPSessionState, *v1beta1.BGPSessionState]{
		Kind: "BGPSessionState", Reader: reader, Writer: writer, Node: node, Namespace: namespace,
	}}
}

// List implements Store.
func (c *Cluster) List(ctx context.Context) ([]v1beta1.BGPSessionState, error) {
	list := &v1beta1.BGPSessionStateList{}
	err := c.ListInto(ctx, list)
	return list.Items, err
}

// Create implements Store. An object that is there already is taken if it goes with the same Node, and made anew if it is of an
// earlier one.
func (c *Cluster) Create(ctx context.Context, node types.UID, peer string) (string, error) {
	for _, name := range names(c.Node, peer) {
		o := &v1beta1.BGPSessionState{ObjectMeta: c.Meta(name, node, map[string]string{v1beta1.LabelPeer: naming.Label(peer)})}
		if taken, err := c.Make(ctx, o, true); err != nil || !taken {
			return name, err
		}
	}
	return "", fmt.Errorf("creating BGPSessionState for peer %q: its names are taken by other nodes", peer)
}

// Write implements Store.
func (c *Cluster) Write(ctx context.Context, name string, status *v1beta1.BGPSessionStateStatus) error {
	return c.Replace(ctx, name, status)
}
