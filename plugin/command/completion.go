// SPDX-License-Identifier: Apache-2.0

package command

import (
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/plugin/cluster"
)

// The kinds whose names are completed.
var (
	nodeKind    = corev1.SchemeGroupVersion.WithKind("Node")
	serviceKind = corev1.SchemeGroupVersion.WithKind("Service")
	peerKind    = v1beta2.GroupVersion.WithKind("BGPPeer")
)

// completeName completes the name of an object, which is the only argument.
func completeName(e *environment, kind schema.GroupVersionKind) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return e.names(c, kind)
	}
}

// completeFlag completes the name of an object in a flag.
func completeFlag(e *environment, c *cobra.Command, flag string, kind schema.GroupVersionKind) {
	complete := func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return e.names(c, kind)
	}
	if err := c.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // There is such a flag.
	}
}

// names returns the names of all objects of the kind; none if they cannot be had: a shell shows no errors.
func (e *environment) names(c *cobra.Command, kind schema.GroupVersionKind) ([]cobra.Completion, cobra.ShellCompDirective) {
	reader, err := e.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	namespace := ""
	switch kind {
	case serviceKind:
		namespace, err = e.namespace()
	case peerKind:
		namespace = e.systemNamespace
	}
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names, err := cluster.Names(c.Context(), reader, kind, namespace)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
