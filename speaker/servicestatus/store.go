// SPDX-License-Identifier: Apache-2.0

package servicestatus

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/naming"
	"metallb.io/metallb/speaker/publisher"
)

// Cluster is the Store of a cluster. What it may do is in config/service-bgp-status, apart from the speaker's other rights.
type Cluster struct {
	publisher.Cluster[v1beta1.ServiceBGPStatus, *v1beta1.ServiceBGPStatus]
}

// Name returns the name of the object of a service on a node. It is always the same, so that none is made twice.
func Name(node string, service types.NamespacedName) string {
	return naming.Object(node+"-"+service.Namespace+"-"+service.Name, node+"/"+service.String())
}

// NewCluster returns the Store. The reader asks the API server itself: what is seldom read needs no cache.
func NewCluster(reader client.Reader, writer client.Client, node, namespace string) *Cluster {
	return &Cluster{publisher.Cluster[v1beta1.ServiceBGPStatus, *v1beta1.ServiceBGPStatus]{
		Kind: "ServiceBGPStatus", Reader: reader, Writer: writer, Node: node, Namespace: namespace,
	}}
}

// List implements Store.
func (c *Cluster) List(ctx context.Context) ([]v1beta1.ServiceBGPStatus, error) {
	list := &v1beta1.ServiceBGPStatusList{}
	err := c.ListInto(ctx, list)
	return list.Items, err
}

// Create implements Store. An object that is there already is left if it is as good, and made anew if it is not.
func (c *Cluster) Create(ctx context.Context, node types.UID, service types.NamespacedName) (string, error) {
	o := c.object(node, service)
	_, err := c.Make(ctx, o, false)
	return o.Name, err
}

func (c *Cluster) object(node types.UID, service types.NamespacedName) *v1beta1.ServiceBGPStatus {
	return &v1beta1.ServiceBGPStatus{ObjectMeta: c.Meta(Name(c.Node, service), node, map[string]string{
		v1beta1.LabelServiceName: naming.Label(service.Name), v1beta1.LabelServiceNamespace: naming.Label(service.Namespace),
	})}
}

// Write implements Store.
func (c *Cluster) Write(ctx context.Context, name string, status *v1beta1.ServiceBGPStatusStatus) error {
	return c.Replace(ctx, name, status)
}
