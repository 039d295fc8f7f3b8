// SPDX-License-Identifier: Apache-2.0

// Package cluster runs a real Kubernetes cluster on one Linux machine, as root, with no container engine and no image
// registry.
//
// The control plane (etcd, kube-apiserver, kube-controller-manager, kube-scheduler) runs in the root network namespace
// at 172.30.0.1. Each node is a network namespace node-1, node-2, … at 172.30.0.11, 172.30.0.12, … with its own
// containerd, kubelet, kube-proxy (nftables mode) and bridge CNI, joined by the bridge kbr0:
//
//	172.30.0.0/24  fd00:172:30::/64     the machine (.1, ::1) and the nodes (.11 and ::11, and up), on the bridge kbr0
//	10.244.N.0/24  fd00:10:244:N::/64   pods of node N, routed by plain routes, never translated
//	10.96.0.0/16   fd00:10:96::/112     Services
//
// Nodes, pods and, if they ask for it, Services have an address of each family. An IPv6 address has the digits of the IPv4
// address that it belongs to: fd00:172:30::11 is 172.30.0.11. The control plane itself speaks IPv4.
//
// Nodes hash flows over equal-cost paths by address and port, as routers in front of a load balancer do. There is no
// cluster DNS: pods reach Services by address or environment. There is no way to the Internet from a pod, and images
// come from [Cluster.Load] alone.
//
// A node also has its own host name, and a mount namespace, in which /run/containerd, /var/lib/kubelet, /var/log/pods and their like are its
// own. Hence nodes look the same to the programs on them, nothing of theirs is written outside the state directory,
// and every mount is gone with the last process of the node.
//
// All processes of a cluster, containers included, are in one tree of control groups. [Cluster.Down] ends that tree and
// undoes what [Up] wrote down in the state directory before doing it. So it works no matter how or when the processes
// that made the cluster died, and as often as one likes.
//
// Addresses and names are fixed, hence there is one cluster at a time on a machine; [Up] refuses a second one and says
// which is in its way.
//
// The programs are built once from their Go modules, see [Build].
package cluster
