// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// Impact is an address that a service holds and that a configuration would take from it, in the way that the loss says.
type Impact struct {
	Service types.NamespacedName
	Address netip.Addr
	Loss    Loss
}

// Loss is what a service would lose.
type Loss int

const (
	// Ownership is lost if no pool would give the address to the service any more.
	Ownership Loss = iota
	// Route is lost if no advertisement would announce the address any more.
	Route
)

// String returns the impact as part of a sentence.
func (c Impact) String() string {
	if c.Loss == Route {
		return fmt.Sprintf("service %q would not be announced at %q under new config", c.Service, c.Address)
	}
	return fmt.Sprintf("service %q cannot own %q under new config", c.Service, c.Address)
}

// Impacts are what services would lose by a configuration.
type Impacts []Impact

// maxImpacts is how many impacts a sentence names.
const maxImpacts = 10

// String returns the sentence by which a configuration is refused, or found at fault: the first ten impacts, and how many
// more there are. It is empty if there are none.
func (c Impacts) String() string {
	if len(c) == 0 {
		return ""
	}
	parts := make([]string, 0, maxImpacts+1)
	for _, one := range c[:min(len(c), maxImpacts)] {
		parts = append(parts, one.String())
	}
	if more := len(c) - maxImpacts; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return "new config not compatible with assigned IPs: " + strings.Join(parts, ", ")
}

// meet reports whether an impact is among both, which are sorted.
func (c Impacts) meet(others Impacts) bool {
	return slices.ContainsFunc(c, func(i Impact) bool { return slices.Contains(others, i) })
}

// Sort sorts the impacts by service, address and loss, in place.
func (c Impacts) Sort() {
	slices.SortFunc(c, func(x, y Impact) int {
		return cmp.Or(strings.Compare(x.Service.Namespace, y.Service.Namespace), strings.Compare(x.Service.Name, y.Service.Name),
			x.Address.Compare(y.Address), cmp.Compare(x.Loss, y.Loss))
	})
}
