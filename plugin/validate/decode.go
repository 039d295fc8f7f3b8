// SPDX-License-Identifier: Apache-2.0

package validate

import (
	encoding "encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"

	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/scheme"
	"metallb.io/metallb/internal/spelling"
)

// maxWrongTypes bounds how many values of the wrong type are looked for in one object.
const maxWrongTypes = 100

// decoder decodes objects strictly: what the API server calls an unknown field is an error.
type decoder struct{ serializer *json.Serializer }

func newDecoder() (decoder, error) {
	types, err := scheme.New()
	if err != nil {
		return decoder{}, err
	}
	return decoder{json.NewSerializerWithOptions(json.DefaultMetaFactory, types, types, json.SerializerOptions{Strict: true})}, nil
}

// decode reads what is written into the object. The problems are what the schema refuses and no parser sees; the object is
// not whole if some are of the type of a value.
func (d decoder) decode(written map[string]any, into config.Object) (problems []string, whole bool) {
	written = runtime.DeepCopyJSON(written)
	whole = true
	for _, e := range checkSchema(written) {
		problems = append(problems, e.Error())
		if e.Type == durationType {
			// What is none cannot be decoded; the rest can.
			remove(written, e.Field)
			whole = false
		}
	}
	for range maxWrongTypes {
		err := d.once(written, into)
		if strict, isStrict := runtime.AsStrictDecodingError(err); isStrict {
			for _, e := range strict.Errors() {
				problems = append(problems, unknown(e.Error(), reflect.TypeOf(into)))
			}
			return problems, whole
		}
		if err == nil {
			return problems, whole
		}
		whole = false
		var wrong *encoding.UnmarshalTypeError
		if !errors.As(err, &wrong) {
			return append(problems, err.Error()), false
		}
		problems = append(problems, wrongType(wrong))
		if !remove(written, wrong.Field) {
			break
		}
	}
	return problems, false
}

// once decodes what is written up to the first value that cannot be decoded.
func (d decoder) once(written map[string]any, into config.Object) error {
	text, err := encoding.Marshal(written)
	if err != nil {
		return err
	}
	_, _, err = d.serializer.Decode(text, nil, into)
	return err
}

// unknown says which field the kind does not have, and which is meant if that can be told.
func unknown(text string, kind reflect.Type) string {
	name, found := strings.CutPrefix(text, "unknown field ")
	if !found {
		return text
	}
	path := strings.Split(strings.Trim(name, `"`), ".")
	last := len(path) - 1
	for _, part := range path[:last] {
		kind = fieldsOf(kind)[strings.TrimRight(part, "[0123456789]")]
	}
	remedy := "remove it or correct its name"
	if meant := spelling.Meant(path[last], slices.Sorted(maps.Keys(fieldsOf(kind)))); meant != "" {
		remedy = fmt.Sprintf("did you mean %q?", meant)
	}
	return strings.Join(path, ".") + ": unknown field; " + remedy
}

// fieldsOf returns the types of the fields that a value of the type has in JSON, by name; of a list, those of its items.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	for t != nil && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice) {
		t = t.Elem()
	}
	fields := map[string]reflect.Type{}
	if t == nil || t.Kind() != reflect.Struct {
		return fields
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" {
			fields[name] = f.Type
			continue
		}
		maps.Copy(fields, fieldsOf(f.Type))
	}
	return fields
}

// remove removes the field from the object and reports whether it was there; of a field of an item of a list, the list.
func remove(object map[string]any, name string) bool {
	for fields := strings.Split(name, "."); len(fields) > 1; fields = fields[:len(fields)-1] {
		if _, found, err := unstructured.NestedFieldNoCopy(object, fields...); found && err == nil {
			unstructured.RemoveNestedField(object, fields...)
			return true
		}
	}
	return false
}

// wrongType says what has to be in place of a value.
func wrongType(wrong *encoding.UnmarshalTypeError) string {
	what, remedy := "", ""
	switch wrong.Type.Kind() {
	case reflect.String:
		what, remedy = "a string", "; put it in quotes"
	case reflect.Bool:
		what = "true or false"
	case reflect.Slice:
		what = "a list"
	case reflect.Uint32:
		what = "a number from 0 to 4294967295"
	case reflect.Int, reflect.Int32, reflect.Int64:
		what = "a whole number"
	default:
		what = "an object"
	}
	return fmt.Sprintf("%s: Invalid value: must be %s, not %s%s", wrong.Field, what, strings.TrimPrefix(wrong.Value, "number "), remedy)
}
