// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

const (
	productNamespace = "metallb-system"
	serviceNamespace = "bench"
	nodeCount        = 3
	asn              = 64512
	// The range set aside for benchmarks (RFC 2544) and, for what nobody may use, one for documentation (RFC 5737).
	poolRange  = "198.18.0.0/15"
	otherRange = "203.0.113.0/24"
)

func nodeName(i int) string { return fmt.Sprintf("node-%d", i+1) }

func makeNode(i int) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName(i)},
		Status: corev1.NodeStatus{
			Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("192.0.%d.%d", 2+i/250, i%250+1)}},
			Conditions: []corev1.NodeCondition{
				{Type: corev1.NodeReady, Status: corev1.ConditionTrue},
				{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionFalse},
			},
		},
	}
}

func makePool(name, addresses string) *v1beta1.IPAddressPool {
	return &v1beta1.IPAddressPool{
		ObjectMeta: metav1.ObjectMeta{Namespace: productNamespace, Name: name},
		Spec:       v1beta1.IPAddressPoolSpec{Addresses: []string{addresses}},
	}
}

func makeAdvertisement() *v1beta1.BGPAdvertisement {
	return &v1beta1.BGPAdvertisement{ObjectMeta: metav1.ObjectMeta{Namespace: productNamespace, Name: "all"}}
}

// makePeer is of the same ASN, so that no hop limit concerns the session.
func makePeer(at netip.AddrPort) *v1beta2.BGPPeer {
	return &v1beta2.BGPPeer{
		ObjectMeta: metav1.ObjectMeta{Namespace: productNamespace, Name: "sink"},
		Spec:       v1beta2.BGPPeerSpec{MyASN: asn, ASN: asn, Address: at.Addr().String(), Port: int32(at.Port())},
	}
}

// makeRouter is one of several peers of each node, of which only the sessions' state exists.
func makeRouter(i int) *v1beta2.BGPPeer {
	return &v1beta2.BGPPeer{
		ObjectMeta: metav1.ObjectMeta{Namespace: productNamespace, Name: routerName(i)},
		Spec:       v1beta2.BGPPeerSpec{MyASN: asn, ASN: asn, Address: fmt.Sprintf("203.0.113.%d", i+1)},
	}
}

func routerName(i int) string { return fmt.Sprintf("router-%d", i+1) }

// makeSessionState is what the node's speaker would write of an established session, if it ran outside of a pod.
func makeSessionState(node, router int) *v1beta1.BGPSessionState {
	return &v1beta1.BGPSessionState{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: productNamespace, Name: nodeName(node) + "." + routerName(router),
			Labels: map[string]string{v1beta1.LabelNode: nodeName(node), v1beta1.LabelPeer: routerName(router)},
		},
		Status: v1beta1.BGPSessionStateStatus{
			Node: nodeName(node), Peer: routerName(router), Address: fmt.Sprintf("203.0.113.%d", router+1), State: v1beta1.SessionEstablished,
			Families: []corev1.IPFamily{corev1.IPv4Protocol},
		},
	}
}

// rangeOf returns a range of so many addresses.
func rangeOf(addresses int) string {
	first := netip.MustParsePrefix(poolRange).Addr()
	octets := first.As4()
	last := binary.BigEndian.Uint32(octets[:]) + uint32(addresses) - 1
	binary.BigEndian.PutUint32(octets[:], last)
	return first.String() + "-" + netip.AddrFrom4(octets).String()
}

// makeService has no node port: there are but 2,768 of those by default.
func makeService(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: serviceNamespace, Name: name},
		Spec: corev1.ServiceSpec{
			Type:                          corev1.ServiceTypeLoadBalancer,
			AllocateLoadBalancerNodePorts: new(false),
			Selector:                      map[string]string{"app": name},
			Ports:                         []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}},
		},
	}
}

// makeSlice is the EndpointSlice that Kubernetes would write for the service, of one pod on the first node.
func makeSlice(service string, ready bool) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: serviceNamespace,
			Name:      service + "-slice",
			Labels: map[string]string{
				discoveryv1.LabelServiceName: service,
				discoveryv1.LabelManagedBy:   "endpointslice-controller.k8s.io",
			},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("http"), Port: new(int32(8080)), Protocol: new(corev1.ProtocolTCP)}},
		Endpoints: []discoveryv1.Endpoint{{
			Addresses:  []string{"10.244.0.10"},
			NodeName:   new(nodeName(0)),
			Conditions: discoveryv1.EndpointConditions{Ready: new(ready), Serving: new(ready), Terminating: new(false)},
			TargetRef:  &corev1.ObjectReference{Kind: "Pod", Namespace: serviceNamespace, Name: service + "-0"},
		}},
	}
}
