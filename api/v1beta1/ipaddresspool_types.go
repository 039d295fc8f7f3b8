// SPDX-License-Identifier: Apache-2.0

package v1beta1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IPAddressPoolSpec is the desired state of an IPAddressPool.
type IPAddressPoolSpec struct {
	// Addresses for services: prefixes ("198.51.100.0/24", "2001:db8::/112") or inclusive ranges ("198.51.100.10-198.51.100.20"),
	// IPv4 or IPv6. They are allocated in the order of the list, the lowest address of each entry first. Entries must not overlap
	// each other or another pool. All addresses of a prefix are used, the first and the last too; see avoidBuggyIPs.
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4096
	// +kubebuilder:validation:items:MaxLength=96
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self) || (self.contains('-') && isIP(self.substring(0, self.indexOf('-')).trim()) && isIP(self.substring(self.indexOf('-') + 1).trim()))",message="invalid CIDR or invalid IP range: write a prefix such as 198.51.100.0/24 or a range such as 198.51.100.10-198.51.100.20, without zones and without IPv4 addresses written as IPv6"
	// +kubebuilder:validation:items:XValidation:rule="!(self.contains('-') && isIP(self.substring(0, self.indexOf('-')).trim()) && isIP(self.substring(self.indexOf('-') + 1).trim())) || ip(self.substring(0, self.indexOf('-')).trim()).family() == ip(self.substring(self.indexOf('-') + 1).trim()).family()",message="invalid IP range: start and end must both be IPv4 or both be IPv6"
	// +kubebuilder:validation:items:XValidation:rule="!(self.contains('-') && isIP(self.substring(0, self.indexOf('-')).trim()) && ip(self.substring(0, self.indexOf('-')).trim()).family() == 4 && isIP(self.substring(self.indexOf('-') + 1).trim()) && ip(self.substring(self.indexOf('-') + 1).trim()).family() == 4) || [[self.substring(0, self.indexOf('-')).trim().split('.'), self.substring(self.indexOf('-') + 1).trim().split('.')]].all(r, int(r[0][0]) * 16777216 + int(r[0][1]) * 65536 + int(r[0][2]) * 256 + int(r[0][3]) <= int(r[1][0]) * 16777216 + int(r[1][1]) * 65536 + int(r[1][2]) * 256 + int(r[1][3]))",message="invalid IP range: the start IP is after the end IP; exchange them"
	// +kubebuilder:validation:items:XValidation:rule="!isCIDR(self) || ((cidr(self).ip().isGlobalUnicast() || (cidr(self).ip().family() == 4 && cidr(self).ip().isLinkLocalUnicast())) && !['0.0.0.0', '127.0.0.0', '224.0.0.0', '255.255.255.255', '::', '::1', 'fe80::', 'ff00::'].exists(a, cidr(self).containsIP(a)))",message="includes addresses that no router forwards: unspecified, loopback, multicast, broadcast or IPv6 link-local; leave them out"
	// +kubebuilder:validation:items:XValidation:rule="!(self.contains('-') && isIP(self.substring(0, self.indexOf('-')).trim()) && isIP(self.substring(self.indexOf('-') + 1).trim())) || ((ip(self.substring(0, self.indexOf('-')).trim()).isGlobalUnicast() || (ip(self.substring(0, self.indexOf('-')).trim()).family() == 4 && ip(self.substring(0, self.indexOf('-')).trim()).isLinkLocalUnicast())) && (ip(self.substring(self.indexOf('-') + 1).trim()).isGlobalUnicast() || (ip(self.substring(self.indexOf('-') + 1).trim()).family() == 4 && ip(self.substring(self.indexOf('-') + 1).trim()).isLinkLocalUnicast())))",message="includes addresses that no router forwards: unspecified, loopback, multicast, broadcast or IPv6 link-local; leave them out"
	// +kubebuilder:validation:items:XValidation:rule="!(self.contains('-') && isIP(self.substring(0, self.indexOf('-')).trim()) && ip(self.substring(0, self.indexOf('-')).trim()).family() == 4 && isIP(self.substring(self.indexOf('-') + 1).trim()) && ip(self.substring(self.indexOf('-') + 1).trim()).family() == 4) || [[self.substring(0, self.indexOf('-')).trim().split('.'), self.substring(self.indexOf('-') + 1).trim().split('.')]].all(r, !(int(r[0][0]) < 127 && int(r[1][0]) > 127) && !(int(r[0][0]) < 224 && int(r[1][0]) > 239))",message="includes addresses that no router forwards: unspecified, loopback, multicast, broadcast or IPv6 link-local; leave them out"
	Addresses []string `json:"addresses"`

	// AutoAssign allows to allocate addresses from this pool to services that request neither the pool nor an address of it.
	// +optional
	// +kubebuilder:default=true
	AutoAssign *bool `json:"autoAssign,omitempty"`

	// AvoidBuggyIPs excludes IPv4 addresses that end in .0 or .255, because some old equipment takes them for network or
	// broadcast addresses.
	// +optional
	// +kubebuilder:default=false
	AvoidBuggyIPs bool `json:"avoidBuggyIPs,omitempty"`

	// AllocateTo limits the pool to some services and sets its priority among their pools.
	// +optional
	AllocateTo *ServiceAllocation `json:"serviceAllocation,omitempty"`
}

// ServiceAllocation selects the services that may use a pool. A service must match both the namespaces (namespaces or
// namespaceSelectors) and serviceSelectors. If a part is empty, every service matches it.
type ServiceAllocation struct {
	// Priority orders the pools that a service may use: 1 is tried first, 0 or unset last.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Priority int `json:"priority,omitempty"`

	// Namespaces whose services may use the pool, by name.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4096
	// +kubebuilder:validation:items:MaxLength=253
	Namespaces []string `json:"namespaces,omitempty"`

	// NamespaceSelectors select, by label, more namespaces whose services may use the pool.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	NamespaceSelectors []metav1.LabelSelector `json:"namespaceSelectors,omitempty"`

	// ServiceSelectors select, by label, the services that may use the pool.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	ServiceSelectors []metav1.LabelSelector `json:"serviceSelectors,omitempty"`
}

// IPAddressPoolStatus is the observed state of an IPAddressPool.
type IPAddressPoolStatus struct {
	// Assigned is the number of addresses that services hold, for people to read: "3", or "3 IPv4, 1 IPv6" in a pool of both
	// families. Programs should read assignedIPv4 and assignedIPv6.
	// +optional
	Assigned string `json:"assigned,omitempty"`
	// Available is the number of free addresses, for people to read; it is ">9e18" if availableIPv6 cannot hold it. Programs
	// should read availableIPv4 and availableIPv6.
	// +optional
	Available string `json:"available,omitempty"`
	// AssignedIPv4 is the number of IPv4 addresses that services hold.
	// +optional
	AssignedIPv4 int64 `json:"assignedIPv4"`
	// AssignedIPv6 is the number of IPv6 addresses that services hold.
	// +optional
	AssignedIPv6 int64 `json:"assignedIPv6"`
	// AvailableIPv4 is the number of free IPv4 addresses.
	// +optional
	AvailableIPv4 int64 `json:"availableIPv4"`
	// AvailableIPv6 is the number of free IPv6 addresses; at most 9223372036854775807 is shown.
	// +optional
	AvailableIPv6 int64 `json:"availableIPv6"`

	// ObservedGeneration is the generation of the spec that this status is about.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions of the pool: Valid.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// IPAddressPool is a set of addresses for services of type LoadBalancer.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=metallb
// +kubebuilder:printcolumn:name="Assigned",type=string,JSONPath=`.status.assigned`
// +kubebuilder:printcolumn:name="Available",type=string,JSONPath=`.status.available`
// +kubebuilder:printcolumn:name="Auto Assign",type=boolean,JSONPath=`.spec.autoAssign`
// +kubebuilder:printcolumn:name="Addresses",type=string,JSONPath=`.spec.addresses`
// +kubebuilder:printcolumn:name="Valid",type=string,JSONPath=`.status.conditions[?(@.type=="Valid")].status`
// +kubebuilder:printcolumn:name="Assigned IPv4",type=integer,JSONPath=`.status.assignedIPv4`,priority=1
// +kubebuilder:printcolumn:name="Available IPv4",type=integer,JSONPath=`.status.availableIPv4`,priority=1
// +kubebuilder:printcolumn:name="Assigned IPv6",type=integer,JSONPath=`.status.assignedIPv6`,priority=1
// +kubebuilder:printcolumn:name="Available IPv6",type=integer,JSONPath=`.status.availableIPv6`,priority=1
// +kubebuilder:printcolumn:name="Avoid Buggy IPs",type=boolean,JSONPath=`.spec.avoidBuggyIPs`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type IPAddressPool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   IPAddressPoolSpec   `json:"spec"`
	Status IPAddressPoolStatus `json:"status,omitempty"`
}

// IPAddressPoolList is a list of IPAddressPools.
//
// +kubebuilder:object:root=true
type IPAddressPoolList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []IPAddressPool `json:"items"`
}
