// SPDX-License-Identifier: Apache-2.0

package rbac

import (
	"cmp"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"metallb.io/metallb/test/envtest"
)

// grant is the smallest part of a rule: one verb for one resource, or for one object of it.
type grant struct {
	// role is the kind and name of what it is in, and namespace where it holds; empty for everywhere.
	role, namespace             string
	verb, group, resource, name string
}

// String is for people who look for it in the roles.
func (g grant) String() string {
	resource := g.resource
	if g.group != "" {
		resource += "." + g.group
	}
	if g.name != "" {
		resource += fmt.Sprintf(" %q", g.name)
	}
	return fmt.Sprintf("%s: %s %s", g.role, g.verb, resource)
}

// allows reports whether the grant is for such a call.
func (g grant) allows(c *envtest.Call) bool {
	return g.verb == c.Verb && g.group == c.Group && g.resource == c.Resource &&
		(g.namespace == "" || g.namespace == c.Namespace) && (g.name == "" || g.name == c.Name)
}

// grantsOf returns what the rules of a role are made of.
func grantsOf(role, namespace string, rules []rbacv1.PolicyRule) []grant {
	var found []grant
	for i := range rules {
		r := &rules[i]
		names := r.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, group := range r.APIGroups {
			for _, resource := range r.Resources {
				for _, name := range names {
					for _, verb := range r.Verbs {
						found = append(found, grant{role, namespace, verb, group, resource, name})
					}
				}
			}
		}
	}
	return found
}

// unused returns the grants that no call needed.
func unused(grants []grant, calls []envtest.Call) []string {
	var found []string
	for _, g := range grants {
		if !slices.ContainsFunc(calls, func(c envtest.Call) bool { return g.allows(&c) }) {
			found = append(found, g.String())
		}
	}
	return found
}

// wide returns the grants of every namespace by which a program only asked for what is in one: a Role would do for them.
func wide(grants []grant, calls []envtest.Call) []string {
	var found []string
	for _, g := range grants {
		isElsewhere := func(c envtest.Call) bool { return g.allows(&c) && c.Namespace != envtest.Namespace }
		if g.namespace == "" && !slices.ContainsFunc(calls, isElsewhere) {
			found = append(found, g.String())
		}
	}
	return found
}

// refused returns the calls that the API server has forbidden, each once.
func refused(calls []envtest.Call) []string {
	var found []string
	for i := range calls {
		c := &calls[i]
		if c.Status == 401 || c.Status == 403 {
			found = append(found, fmt.Sprintf("%d: %s %s", c.Status, c.Verb, c.Path))
		}
	}
	slices.SortFunc(found, cmp.Compare[string])
	return slices.Compact(found)
}
