// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/controllers/config"
)

// verdictCase is a change of a configuration and everything that is to be said about it.
type verdictCase struct {
	// given is what there is before, in the notation of scene.
	given string
	// apply is the object created or updated, in the same notation; remove is the kind and name of the one deleted.
	apply, remove string
	// wantErrors are "field: message". The one that names what services lose comes last, and is left out here: it is the
	// sentence about wantLost, at the field of that name.
	wantErrors []string
	at         string
	// wantLost are impacts: "default/web cannot own 198.51.100.0", "default/web not announced at 198.51.100.0".
	wantLost     []string
	wantWarnings []string
}

// allCases returns the tables, by subject.
func allCases() map[string]map[string]verdictCase {
	return map[string]map[string]verdictCase{
		"pools": poolCases, "overlaps": overlapCases, "ownership": ownershipCases, "selection": selectionCases,
		"routes": routeCases, "advertisements": advertisementCases, "peers": peerCases, "communities": communityCases,
		"boundaries": boundaryCases, "profiles": profileCases,
	}
}

func TestEveryChangeGetsItsVerdict(t *testing.T) {
	t.Parallel()
	for subject, cases := range allCases() {
		for name, tc := range cases {
			t.Run(subject+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := parseScene(t, tc.given)
				change := s.change(t, tc)
				got := config.Check(namespace, s.objects, change, s.state())
				if diff := cmp.Diff(tc.want(), verdictOf(got), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("verdict (-want +got):\n%s", diff)
				}
				if s.reverse(); !reflect.DeepEqual(config.Check(namespace, s.objects, change, s.state()), got) {
					t.Error("the order of the lists changes the verdict")
				}
				if again := parseScene(t, tc.given); !reflect.DeepEqual(again.change(t, tc), change) {
					t.Error("the change is modified")
				}
			})
		}
	}
}

// TestTheSecondLineSaysWhatTheVerdictSays applies the changes of the tables as if nobody had judged them, and compares what
// is found afterwards.
func TestTheSecondLineSaysWhatTheVerdictSays(t *testing.T) {
	t.Parallel()
	for subject, cases := range allCases() {
		for name, tc := range cases {
			s := parseScene(t, tc.given)
			change := s.change(t, tc)
			got := config.Check(namespace, s.objects, change, s.state())
			if change.New != nil && (len(parseErrors(change.New)) > 0 || change.New.GetNamespace() != namespace || change.New.GetDeletionTimestamp() != nil) {
				continue
			}
			after := s.objects.Apply(change)
			if diff := cmp.Diff(lost(got.Impacts), lost(config.Lost(s.objects, after, s.state()))); diff != "" && tc.given != elsewhereInUse {
				t.Errorf("%s: %s: impacts (-verdict +lost):\n%s", subject, name, diff)
			}
			if change.Old != nil {
				continue
			}
			got.Errors = slices.DeleteFunc(got.Errors, func(e *field.Error) bool { return isInUse(e.Detail) })
			later := config.Verdict{
				Errors:   config.Contradictions(change.New, after, s.nodes),
				Warnings: config.Warnings(change.New, after, s.nodes),
				Impacts:  got.Impacts,
			}
			if diff := cmp.Diff(verdictOf(got), verdictOf(later), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: %s: (-verdict +later):\n%s", subject, name, diff)
			}
		}
	}
}

func TestNoVerdictTellsThePassword(t *testing.T) {
	t.Parallel()
	for name, tc := range peerCases {
		s := parseScene(t, tc.given)
		if v := config.Check(namespace, s.objects, s.change(t, tc), s.state()); strings.Contains(fmt.Sprint(v), "sesame") {
			t.Errorf("%s: %v", name, v)
		}
	}
}

func TestTheTablesAreComplete(t *testing.T) {
	t.Parallel()
	total := 0
	for _, cases := range allCases() {
		total += len(cases)
	}
	if total < 150 {
		t.Errorf("there are %d cases, want 150 at least", total)
	}
}

// TestEveryErrorNamesTheFieldAndTheOtherObject holds for every refusal of the tables. What is wrong with an object by
// itself names the field only: the API server puts the object's kind and name before it.
func TestEveryErrorNamesTheFieldAndTheOtherObject(t *testing.T) {
	t.Parallel()
	for subject, cases := range allCases() {
		for name, tc := range cases {
			s := parseScene(t, tc.given)
			change := s.change(t, tc)
			byItself := parseErrors(change.New)
			for _, err := range config.Check(namespace, s.objects, change, s.state()).Errors {
				if !strings.HasPrefix(err.Field, "spec.") && !strings.HasPrefix(err.Field, "metadata.") {
					t.Errorf("%s: %s: %q is no field of the object", subject, name, err.Field)
				}
				if slices.ContainsFunc(byItself, func(e *field.Error) bool { return e.Error() == err.Error() }) {
					continue
				}
				names := func(n string) bool { return strings.Contains(err.Detail, fmt.Sprintf("%q", n)) }
				if err.Field != "metadata.namespace" && !slices.ContainsFunc(s.names(change), names) {
					t.Errorf("%s: %s: %s: no other object is named", subject, name, err)
				}
			}
		}
	}
}

// verdict is a config.Verdict for people.
type verdict struct{ Errors, Warnings, Impacts []string }

func verdictOf(v config.Verdict) verdict {
	got := verdict{Warnings: v.Warnings, Impacts: lost(v.Impacts)}
	for _, e := range v.Errors {
		got.Errors = append(got.Errors, e.Field+": "+e.Detail)
	}
	return got
}

// lost returns the impacts as in wantLost.
func lost(impacts config.Impacts) []string {
	found := make([]string, 0, len(impacts))
	for _, c := range impacts {
		verb := map[config.Loss]string{config.Ownership: "cannot own", config.Route: "not announced at"}[c.Loss]
		found = append(found, fmt.Sprintf("%s %s %s", c.Service, verb, c.Address))
	}
	return found
}

func (tc verdictCase) want() verdict {
	want := verdict{Errors: slices.Clone(tc.wantErrors), Warnings: tc.wantWarnings, Impacts: tc.wantLost}
	if tc.at != "" {
		want.Errors = append(want.Errors, tc.at+": "+sentence(tc.wantLost))
	}
	return want
}

// sentence is what is said about impacts, in the words of the design.
func sentence(impacts []string) string {
	parts := make([]string, 0, len(impacts))
	for _, c := range impacts[:min(len(impacts), 10)] {
		words := strings.Fields(c)
		service, address := words[0], words[len(words)-1]
		if words[1] == "not" {
			parts = append(parts, fmt.Sprintf("service %q would not be announced at %q under new config", service, address))
		} else {
			parts = append(parts, fmt.Sprintf("service %q cannot own %q under new config", service, address))
		}
	}
	if len(impacts) > 10 {
		parts = append(parts, fmt.Sprintf("and %d more", len(impacts)-10))
	}
	return "new config not compatible with assigned IPs: " + strings.Join(parts, ", ")
}

// change returns the change of the case.
func (s *scene) change(t *testing.T, tc verdictCase) config.Change {
	t.Helper()
	if tc.remove != "" {
		old := s.byKey[tc.remove]
		if old == nil || tc.apply != "" {
			t.Fatalf("the case does not say what to delete: %q", tc.remove)
		}
		return config.Change{Old: old}
	}
	applied := parseScene(t, tc.apply).byKey
	if len(applied) != 1 {
		t.Fatalf("the case applies %d objects", len(applied))
	}
	key := slices.Collect(maps.Keys(applied))[0]
	c := config.Change{New: applied[key]}
	if old := s.byKey[key]; old != nil {
		c.Old = old
	}
	return c
}

// names returns what an error may name: the other objects, the services, and names that objects have in their spec.
func (s *scene) names(change config.Change) []string {
	own := ""
	if o := change.New; o != nil {
		own = keyOf(o)
	} else {
		own = keyOf(change.Old)
	}
	var names []string
	for key := range s.byKey {
		if key != own {
			_, name, _ := strings.Cut(key, " ")
			names = append(names, name)
		}
	}
	for _, h := range s.holdings {
		names = append(names, h.Service.String())
	}
	return names
}
