// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
)

// checker looks at objects beside each other and beside those of the cluster.
type checker struct {
	world World
	// entries whose object will be part of the configuration.
	entries []*entry
	// after is the configuration once all are applied.
	after config.Objects
	// named is after, together with the objects that have values of the wrong type: others may name them.
	named config.Objects
}

// check returns what is found in the documents, in their order, as if they were applied in this order.
func check(namespace string, documents []document, w World) ([]Finding, error) {
	r, err := newReader(namespace)
	if err != nil {
		return nil, err
	}
	c := &checker{world: w, after: w.objects, named: w.objects}
	entries := make([]*entry, 0, len(documents))
	for i := range documents {
		e := r.read(&documents[i])
		entries = append(entries, e)
		if e.object != nil {
			e.old = lookUp(w.objects, e.object)
			c.entries = append(c.entries, e)
			c.after = c.after.Apply(e.change())
			c.named = c.named.Apply(e.change())
		}
		if e.partial != nil {
			c.named = c.named.Apply(config.Change{Old: lookUp(w.objects, e.partial), New: e.partial})
		}
	}
	c.contradict()
	c.take()
	c.suspect()
	c.step()
	var found []Finding
	for _, e := range entries {
		found = append(found, e.findings...)
	}
	return found, nil
}

// contradict finds what contradicts the cluster's objects that stay, and what comes earlier in the files.
func (c *checker) contradict() {
	others := c.world.objects
	for _, e := range c.entries {
		others = others.Apply(config.Change{Old: e.object})
	}
	incremental := config.NewIncrementalChecker(others, c.world.state.Nodes)
	for _, e := range c.entries {
		if e.parses {
			e.refuse(texts(incremental.Next(e.object))...)
		}
	}
}

// take finds what services would lose once all is applied, and tells it of the object by which they lose it for good.
func (c *checker) take() {
	total := config.Lost(c.world.objects, c.after, c.world.state)
	if len(total) == 0 {
		return
	}
	by := make(map[config.Impact]*entry, len(total))
	state := c.world.objects
	for _, e := range c.entries {
		next := state.Apply(e.change())
		for _, one := range config.Lost(state, next, c.world.state) {
			by[one] = e
		}
		state = next
	}
	impacts := map[*entry]config.Impacts{}
	for _, one := range total {
		e := by[one]
		if e == nil { // It takes several objects to lose it.
			e = c.entries[len(c.entries)-1]
		}
		impacts[e] = append(impacts[e], one)
	}
	for _, e := range c.entries {
		errs, warnings := e.change().Against(impacts[e])
		e.refuse(texts(errs)...)
		e.warn(warnings...)
	}
}

// suspect finds what is legal but suspicious, and aliases that are taken away although advertisements use them.
func (c *checker) suspect() {
	warner := config.NewWarner(c.named, c.world.state.Nodes)
	for _, e := range c.entries {
		if !e.parses {
			continue
		}
		if e.old != nil {
			e.warn(config.Dangling(c.after.Apply(config.Change{New: e.old}), e.change())...)
		}
		e.warn(warner.Warnings(e.object)...)
	}
}

// step finds what is refused on the way to a configuration that is not: objects are applied one by one.
func (c *checker) step() {
	if c.world.state.Holdings == nil {
		return
	}
	state := c.world.objects
	for _, e := range c.entries {
		if e.parses {
			verdict := config.Check(e.object.GetNamespace(), state, e.change(), c.world.state)
			for _, text := range texts(verdict.Errors) {
				if !e.says(text) {
					e.warn("the webhook refuses it until objects that come later in the files are applied: " + text)
				}
			}
		}
		state = state.Apply(e.change())
	}
}

// lookUp returns the object of the same kind and name; nil if there is none.
func lookUp(objects config.Objects, o config.Object) config.Object {
	for other := range objects.All() {
		if active.KeyOf(other) == active.KeyOf(o) {
			return other
		}
	}
	return nil
}

func texts(errs field.ErrorList) []string {
	list := make([]string, 0, len(errs))
	for _, e := range errs {
		list = append(list, e.Error())
	}
	return list
}
