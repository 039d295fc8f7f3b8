// SPDX-License-Identifier: Apache-2.0

package rbac

import (
	"fmt"

	"metallb.io/metallb/test/envtest"
)

// inSystem is a flag of kubectl.
const inSystem = "--namespace=" + envtest.Namespace

// onNode is the environment of a speaker, whose node does not take long to drain.
var onNode = []string{"METALLB_NODE_NAME=node-1", "METALLB_DRAIN_DELAY=100ms"}

// configuration returns objects of every kind, of which some are rejected, for a router that listens on a port of this machine.
func configuration(port uint16) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {conditions: [{type: Ready, status: "True"}]}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 127.0.0.1, peerPort: %d, routerID: 10.0.0.1, enableGracefulRestart: true}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: guarded, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 127.0.0.78, passwordSecret: {name: missing}}
---
apiVersion: metallb.io/v1beta1
kind: BFDProfile
metadata: {name: profile, namespace: metallb-system}
---
apiVersion: metallb.io/v1beta1
kind: Community
metadata: {name: community, namespace: metallb-system}
spec: {communities: [{name: blue, value: "64500:7"}]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: advertisement, namespace: metallb-system}
spec: {communities: [blue]}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: pool, namespace: metallb-system}
spec:
  addresses: [198.51.100.0/24]
  serviceAllocation: {namespaceSelectors: [{matchLabels: {kubernetes.io/metadata.name: default}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata:
  name: old
  namespace: default
  annotations: {metallb.universe.tf/address-pool: pool, metallb.universe.tf/allow-shared-ip: old}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{addresses: [10.244.0.9], nodeName: node-1}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: old-1, namespace: default, labels: {kubernetes.io/service-name: old}}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{addresses: [10.244.0.10], nodeName: node-1}]
`, port)
}

// ownPod is that of a speaker. Its DaemonSet is not there.
const ownPod = `
apiVersion: v1
kind: Pod
metadata:
  name: speaker-abcde
  namespace: metallb-system
  finalizers: [example.com/test]
  ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: speaker, uid: 0d5f3e8c-0000-0000-0000-000000000000, controller: true}]
spec: {nodeName: node-1, containers: [{name: speaker, image: speaker}]}
`
