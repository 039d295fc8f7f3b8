// SPDX-License-Identifier: Apache-2.0

package validity

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/notice"
)

func TestErrorsOfAnyLengthCanBeTold(t *testing.T) {
	t.Parallel()
	errs := field.ErrorList{field.Invalid(field.NewPath("spec"), strings.Repeat("ä", 40000), "is too long")}
	if n := len(condition(1, errs).Message); n > notice.MaxLength {
		t.Errorf("the condition says %d bytes, more than %d", n, notice.MaxLength)
	}
}
