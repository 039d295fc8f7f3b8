// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"strings"
	"testing"

	bgptest "metallb.io/metallb/test/bgp"
)

func TestRoutersReadEveryConfigurationOfTheirs(t *testing.T) {
	t.Parallel()
	checks := map[string]func(testing.TB, string) error{"bird": bgptest.CheckBIRD, "frr": bgptest.CheckFRR}
	for language, check := range checks {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			checked := 0
			for _, d := range documents(t) {
				var before strings.Builder
				for _, b := range d.Blocks {
					if b.Language != language {
						continue
					}
					checked++
					text := b.Text
					if check(t, text) != nil {
						text = before.String() + text // It needs what the page has shown before.
					}
					before.WriteString(b.Text)
					if err := check(t, text); err != nil {
						t.Errorf("%s:%d: %v", d.Path, b.Line, err)
					}
					if err := check(t, text+"nonsense\n"); err == nil {
						t.Errorf("%s:%d: nonsense behind it is not refused either", d.Path, b.Line)
					}
				}
			}
			if checked == 0 {
				t.Error("no configuration")
			}
		})
	}
}
