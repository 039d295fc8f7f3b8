// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"strings"
	"testing"
)

func TestAPlaygroundThatIsThereIsInTheWayOfAnother(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	if err := Vacant(state); err == nil || !strings.Contains(err.Error(), "there is a playground already, in "+state) {
		t.Errorf("error %v does not name it", err)
	}
}
