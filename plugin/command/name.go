// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/internal/spelling"
)

// complete completes the names of objects of a kind, which are in the namespace of the load balancer, or in none.
func (e *environment) complete(list client.ObjectList) cobra.CompletionFunc {
	return func(c *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		reader, err := e.client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		options := []client.ListOption{client.InNamespace(e.systemNamespace)}
		if _, isNode := list.(*corev1.NodeList); isNode {
			options = nil
		}
		if err := reader.List(c.Context(), list, options...); err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []cobra.Completion
		_ = meta.EachListItem(list, func(o runtime.Object) error {
			if named, err := meta.Accessor(o); err == nil && !slices.Contains(given, named.GetName()) {
				names = append(names, named.GetName())
			}
			return nil
		})
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// unknownName says that there is no object of the name, and which name may be meant.
func unknownName(kind, name string, names []string) error {
	meant, distance := "", len(name)/2+1
	for _, other := range names {
		if d := spelling.Distance(name, other); d <= distance && (meant == "" || d < distance) {
			meant, distance = other, d
		}
	}
	if meant == "" {
		return fmt.Errorf("%s %q not found", kind, name)
	}
	return fmt.Errorf("%s %q not found; did you mean %q?", kind, name, meant)
}
