// SPDX-License-Identifier: Apache-2.0

package monitoring

import "testing"

func TestAlertsFireWhenTheyShouldAndNotElse(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{
		"rules.yaml": alerts(t).marshal(t),
		"tests.yaml": read(t, "test", "monitoring", "testdata", "alerts.yaml"),
	}
	promtool(t, files, "check", "rules", "rules.yaml")
	promtool(t, files, "test", "rules", "tests.yaml")
}
