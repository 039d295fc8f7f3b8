// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
)

// entry is a document, the object in it, and what is found.
type entry struct {
	Place
	// name is the object's kind, namespace and name.
	name string
	// object is set if it will be part of the configuration.
	object config.Object
	// old is the object in the cluster that it takes the place of.
	old config.Object
	// partial is the object if values of the wrong type are missing in it: it is there, but what it means is not known.
	partial config.Object
	// parses: nothing is wrong with the object by itself.
	parses   bool
	findings []Finding
}

func (e *entry) change() config.Change { return config.Change{Old: e.old, New: e.object} }

func (e *entry) refuse(texts ...string) { e.find(false, texts) }

func (e *entry) warn(texts ...string) { e.find(true, texts) }

func (e *entry) find(warning bool, texts []string) {
	for _, text := range texts {
		e.findings = append(e.findings, Finding{Place: e.Place, Object: e.name, Warning: warning, Message: text})
	}
}

// says reports whether the text is among the findings.
func (e *entry) says(text string) bool {
	return slices.ContainsFunc(e.findings, func(f Finding) bool { return f.Message == text })
}

// reader looks at documents one by one.
type reader struct {
	namespace string
	decoder   decoder
	// seen is where each object comes first.
	seen map[string]Place
}

func newReader(namespace string) (*reader, error) {
	d, err := newDecoder()
	return &reader{namespace: namespace, decoder: d, seen: map[string]Place{}}, err
}

func (r *reader) read(d *document) *entry {
	e := &entry{Place: d.Place, findings: d.problems}
	if d.object == nil {
		return e
	}
	apiVersion, _ := d.object["apiVersion"].(string)
	kind, _ := d.object["kind"].(string)
	version, err := schema.ParseGroupVersion(apiVersion)
	switch {
	case apiVersion == "" || kind == "" || err != nil:
		e.refuse("is not a Kubernetes object: apiVersion or kind is missing")
	case version.Group != v1beta1.GroupVersion.Group && mistaken(version.WithKind(kind)):
		u := unstructured.Unstructured{Object: d.object}
		e.name = r.nameOf(kind, u.GetNamespace(), u.GetName())
		e.refuse(foreign(version.WithKind(kind)))
	case version.Group != v1beta1.GroupVersion.Group:
	default:
		r.readObject(e, d.object, version.WithKind(kind))
	}
	return e
}

// readObject looks at an object of this project's API group.
func (r *reader) readObject(e *entry, written map[string]any, gvk schema.GroupVersionKind) {
	object := newObject(gvk)
	if object == nil {
		u := unstructured.Unstructured{Object: written}
		e.name = r.nameOf(gvk.Kind, u.GetNamespace(), u.GetName())
		e.refuse(foreign(gvk))
		return
	}
	problems, whole := r.decoder.decode(written, object)
	e.name = r.nameOf(gvk.Kind, object.GetNamespace(), object.GetName())
	if object.GetNamespace() == "" {
		object.SetNamespace(r.namespace)
		e.warn(fmt.Sprintf("metadata.namespace: not set, so the object is applied to the current namespace; set it to %s", r.namespace))
	}
	if whole {
		problems = append(problems, texts(parse(object))...)
	}
	e.refuse(problems...)
	switch belongs := r.belongs(e, object); {
	case belongs && whole:
		e.object, e.parses = object, len(problems) == 0
	case belongs:
		e.partial = object
	}
}

func (r *reader) nameOf(kind, namespace, name string) string {
	if namespace == "" {
		namespace = r.namespace
	}
	if name == "" {
		name = "(no name)"
	}
	return kind + " " + namespace + "/" + name
}

// belongs reports whether the object will be part of the configuration: it is in the namespace, and the first of its name.
func (r *reader) belongs(e *entry, object config.Object) bool {
	metadata := field.NewPath("metadata")
	if namespace := object.GetNamespace(); namespace != r.namespace {
		e.refuse(field.Invalid(metadata.Child("namespace"), namespace,
			fmt.Sprintf("resource must be created in %s namespace; other namespaces are ignored", r.namespace)).Error())
		return false
	}
	if object.GetName() == "" {
		return false
	}
	first, found := r.seen[e.name]
	if !found {
		r.seen[e.name] = e.Place
		return true
	}
	duplicate := field.Duplicate(metadata.Child("name"), object.GetName())
	duplicate.Detail = fmt.Sprintf("is at %s too, and one would replace the other; remove one", first)
	e.refuse(duplicate.Error())
	return false
}

// checkMetadata returns what the API server refuses of the metadata of any object.
func checkMetadata(o config.Object) field.ErrorList {
	path := field.NewPath("metadata")
	if o.GetName() == "" {
		return field.ErrorList{field.Required(path.Child("name"), "an object needs a name")}
	}
	return validation.ValidateObjectMetaAccessor(o, true, validation.NameIsDNSSubdomain, path)
}

// parse returns what is wrong with the object by itself.
func parse(o config.Object) field.ErrorList {
	errs := slices.DeleteFunc(config.Parse(o), func(e *field.Error) bool { return e.Field == "metadata.name" })
	return append(checkMetadata(o), errs...)
}
