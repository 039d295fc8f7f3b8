// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/internal/active"
)

// object is what must be known of a configuration object besides what it means.
type object struct {
	active.Key
	namespace string
	// active is whether the object has an ActiveConfiguration.
	active  bool
	created time.Time
}

// compare puts the object first that is used if the two contradict each other.
func (o object) compare(other object) int {
	activeFirst := 0
	if o.active != other.active {
		activeFirst = 1
		if o.active {
			activeFirst = -1
		}
	}
	return cmp.Or(activeFirst, o.created.Compare(other.created), cmp.Compare(o.Name, other.Name))
}

// candidate is an object that parsed.
type candidate[T any] struct {
	object
	value T
}

// parse returns what the objects mean, in the order of their precedence. What does not parse is rejected.
func parse[O, T any, P interface {
	*O
	metav1.Object
}](c *compiler, kind string, objects []O, parseOne func(P) (T, error),
) []candidate[T] {
	parsed := make([]candidate[T], 0, len(objects))
	for i := range objects {
		o := P(&objects[i])
		key := active.Key{Kind: kind, Name: o.GetName()}
		about := object{Key: key, namespace: o.GetNamespace(), active: c.in.Active[key], created: o.GetCreationTimestamp().Time}
		value, err := parseOne(o)
		if err != nil {
			c.reject(about, err, NotInUse)
			continue
		}
		parsed = append(parsed, candidate[T]{about, value})
	}
	slices.SortFunc(parsed, func(a, b candidate[T]) int { return a.compare(b.object) })
	return parsed
}

// admit returns the candidates that do not contradict one that precedes them, in the same order. Others are rejected.
func admit[T any](c *compiler, candidates []candidate[T], contradict func(a, b T) error) []candidate[T] {
	admitted := make([]candidate[T], 0, len(candidates))
	for _, one := range candidates {
		var err error
		for i := 0; i < len(admitted) && err == nil; i++ {
			err = contradict(one.value, admitted[i].value)
		}
		if err != nil {
			c.reject(one.object, err, NotInUse)
			continue
		}
		admitted = append(admitted, one)
	}
	return admitted
}
