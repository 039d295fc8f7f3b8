// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// command returns a command line as a shell reads it.
func command(words ...string) string {
	quoted := make([]string, 0, len(words))
	for _, word := range words {
		switch {
		case strings.ContainsFunc(word, isUnprintable):
			// What is printed has no line breaks and the like, so that they are written as shells read them from text.
			escaped := strconv.Quote(word)
			word = "$'" + strings.ReplaceAll(escaped[1:len(escaped)-1], "'", `\'`) + "'"
		case word == "" || strings.ContainsAny(word, " \"'\\${}[]()<>|&;*?!#~`\t\n"):
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		quoted = append(quoted, word)
	}
	return strings.Join(quoted, " ")
}

func isUnprintable(r rune) bool { return !strconv.IsPrint(r) }

// target is an object as kubectl takes it.
type target struct{ kind, name, namespace string }

// peerKind is BGPPeer as kubectl takes it where Calico's kind of that name is there too, which it would choose for "bgppeer".
const peerKind = "bgppeer.metallb.io"

func serviceTarget(s *corev1.Service) target { return target{"service", s.Name, s.Namespace} }

func (o target) command(verb string, words ...string) string {
	all := []string{"kubectl", verb, o.kind, o.name}
	if o.namespace != "" {
		all = append(all, "-n", o.namespace)
	}
	return command(append(all, words...)...)
}

func (o target) edit() string { return o.command("edit") }

// label sets labels, written "key=value", and removes them, written "key-".
func (o target) label(changes ...string) string {
	return o.command("label", append(changes, "--overwrite")...)
}

// annotate does so with annotations.
func (o target) annotate(changes ...string) string {
	return o.command("annotate", append(changes, "--overwrite")...)
}

// patch sets a field of the spec.
func (o target) patch(field string, value any) string {
	return o.command("patch", "--type=merge", "-p", jsonText(map[string]any{"spec": map[string]any{field: value}}))
}

// add adds to a list that is there.
func (o target) add(path string, value any) string {
	return o.command("patch", "--type=json", "-p", jsonText([]map[string]any{{"op": "add", "path": path + "/-", "value": value}}))
}

// create creates an object of a kind of this load balancer.
func (o target) create(spec map[string]any) string {
	text := jsonText(map[string]any{
		"apiVersion": "metallb.io/v1beta1", "kind": o.kind, "metadata": map[string]any{"name": o.name, "namespace": o.namespace}, "spec": spec,
	})
	return "echo " + command(text) + " | kubectl apply -f -"
}

// object is a pointer to one with a name.
type object[T any] interface {
	*T
	GetName() string
}

// exists reports whether one of the objects has the name.
func exists[T any, P object[T]](all []T, name string) bool {
	return slices.ContainsFunc(all, func(o T) bool { return P(&o).GetName() == name })
}

// unused returns the name for an object to create, with a number if one has it already: applied, the new object would take the place of that one.
func unused[T any, P object[T]](all []T, name string) string {
	free := name
	for n := 2; exists[T, P](all, free); n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	return free
}

// both returns what does one thing and then the other.
func both(commands ...string) string {
	commands = slices.DeleteFunc(commands, func(c string) bool { return c == "" })
	return strings.Join(commands, " && ")
}

// jsonText returns a value that has a JSON form.
func jsonText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("%v has no JSON form: %v", value, err))
	}
	return string(text)
}

// relabeled returns by which changes of the labels, as kubectl takes them, one of the selectors selects the object: the fewest, but at
// least one. There are none if no change of labels is enough.
func relabeled(selectors []metav1.LabelSelector, has labels.Set) []string {
	var best []string
	for i := range selectors {
		if changes, possible := relabeledFor(&selectors[i], has); possible && (best == nil || len(changes) < len(best)) {
			best = changes
		}
	}
	return best
}

func relabeledFor(selector *metav1.LabelSelector, has labels.Set) (changes []string, possible bool) {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, false
	}
	after := labels.Set{}
	maps.Copy(after, has)
	requirements, _ := s.Requirements()
	for i := range requirements {
		r := &requirements[i]
		if r.Matches(has) {
			continue
		}
		switch values := r.ValuesUnsorted(); {
		case r.Matches(labels.Set{}): // NotIn, DoesNotExist
			delete(after, r.Key())
			changes = append(changes, r.Key()+"-")
		case len(values) == 0: // Exists
			after[r.Key()] = ""
			changes = append(changes, r.Key()+"=")
		default:
			after[r.Key()] = slices.Min(values)
			changes = append(changes, r.Key()+"="+after[r.Key()])
		}
	}
	return changes, len(changes) > 0 && s.Matches(after) && !slices.ContainsFunc(changes, isOfKubernetes)
}

// isOfKubernetes reports whether a change, or the key of a label alone, is of a label that Kubernetes sets by what the object is. The kubelet and
// the API server set it again, and until then pods and volumes that are bound to a node by its name or system belong to another one.
func isOfKubernetes(change string) bool {
	key, _, _ := strings.Cut(strings.TrimSuffix(change, "-"), "=")
	return slices.Contains([]string{
		corev1.LabelHostname, corev1.LabelOSStable, corev1.LabelArchStable, "beta.kubernetes.io/os", "beta.kubernetes.io/arch", corev1.LabelMetadataName,
	}, key)
}

// selectorText returns the selectors as people write them.
func selectorText(selectors []metav1.LabelSelector) string {
	texts := make([]string, 0, len(selectors))
	for i := range selectors {
		texts = append(texts, metav1.FormatLabelSelector(&selectors[i]))
	}
	return strings.Join(texts, " or ")
}
