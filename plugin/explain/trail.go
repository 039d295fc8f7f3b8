// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/listing"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/plugin/cluster"
)

// trail is the way from a Service's request to the routers, as far as it has been followed.
type trail struct {
	*cluster.Cluster
	svc *corev1.Service
	// inUse is the configuration that is used, and routes what it announces.
	inUse  config.Objects
	routes *config.Routes
	// pools are those that addresses are given from.
	pools ipam.Pools

	chain Chain
}

func newTrail(c *cluster.Cluster, svc *corev1.Service) *trail {
	t := &trail{Cluster: c, svc: svc, inUse: c.InUse(), chain: Chain{Kind: "Service", Namespace: svc.Namespace, Name: svc.Name, Links: []Link{}}}
	nodes := make([]config.Node, 0, len(c.Nodes))
	for i := range c.Nodes {
		nodes = append(nodes, listing.NodeOf(&c.Nodes[i]))
	}
	t.routes = config.NewRoutes(t.inUse, nodes)
	var pools []ipam.Pool
	for i := range t.inUse.Pools {
		if p := &t.inUse.Pools[i]; t.gives(p.Name) {
			if pool, errs := ipam.ParsePool(p); len(errs) == 0 {
				pools = append(pools, pool)
			}
		}
	}
	t.pools = ipam.NewPools(pools...)
	return t
}

// gives reports whether services are given addresses from the pool: it is there, and a version of it is in use.
func (t *trail) gives(pool string) bool {
	i := slices.IndexFunc(t.Written.Pools, func(p v1beta1.IPAddressPool) bool { return p.Name == pool })
	if i < 0 {
		return false
	}
	valid := meta.FindStatusCondition(t.Written.Pools[i].Status.Conditions, v1beta1.ConditionValid)
	return valid == nil || valid.Status != metav1.ConditionFalse || t.activeOf(active.KindIPAddressPool, pool) != nil
}

// activeOf returns the version of a configuration object that is in use, as the controller has published it; nil if it has not.
func (t *trail) activeOf(kind, name string) *v1beta1.ActiveConfiguration {
	for i := range t.Active {
		if a := &t.Active[i]; a.Spec.Kind == kind && a.Spec.Name == name {
			return a
		}
	}
	return nil
}

// configuration returns a configuration object as kubectl takes it.
func (t *trail) configuration(kind, name string) target { return target{kind, name, t.Namespace} }

func (t *trail) poolTarget(name string) target { return t.configuration("ipaddresspool", name) }

// conditionOf returns a condition of the Service, nil if it has none of that type.
func conditionOf(svc *corev1.Service, kind string) *metav1.Condition {
	return meta.FindStatusCondition(svc.Status.Conditions, kind)
}

// logs returns how to see what the controller says.
func (t *trail) logs() string {
	return command("kubectl", "logs", "-n", t.Namespace, "-l", "app=metallb,component=controller", "--tail=50")
}

func keyOf(svc *corev1.Service) types.NamespacedName {
	return types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}
}

// refused returns why the allocator refuses, in its own words.
func refused(reasons ...allocator.Reason) string {
	refusal := allocator.Refusal{Reasons: reasons}
	return refusal.String()
}

// maxNamed is how many names of a kind a sentence has.
const maxNamed = 5

// named returns the first names, quoted if they are of objects that people name, and how many more there are.
func named(names []string) string { return message.First(names, maxNamed) }

// advertisementsText returns one name as BGPAdvertisement "a", several as BGPAdvertisements "a", "b".
func advertisementsText(names []string) string {
	texts := make([]string, 0, len(names))
	for _, name := range names {
		texts = append(texts, strconv.Quote(name))
	}
	noun := "BGPAdvertisement "
	if len(names) != 1 {
		noun = "BGPAdvertisements "
	}
	return noun + named(texts)
}

func nodesText(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}
