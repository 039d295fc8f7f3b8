// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"go.yaml.in/yaml/v3"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
)

// profile carries over a BFD profile.
func (m *migration) profile(e entry) {
	d := newDraft(&m.remarks, e)
	p := &v1beta1.BFDProfile{}
	s := &p.Spec
	name := ""
	m.each(e.value, e.path, map[string]reader{
		"name":              into(d, "name", text, &name),
		"receive-interval":  into(d, "receiveInterval", length, &s.ReceiveInterval),
		"transmit-interval": into(d, "transmitInterval", length, &s.TransmitInterval),
		"detect-multiplier": into(d, "detectMultiplier", length, &s.DetectMultiplier),
		"echo-interval":     into(d, "echoInterval", length, &s.EchoInterval),
		"echo-mode":         into(d, "echoMode", truth, &s.EchoMode),
		"passive-mode":      into(d, "passiveMode", truth, &s.PassiveMode),
		"minimum-ttl":       into(d, "minimumTtl", length, &s.MinimumTTL),
	})
	if e.value.Kind != yaml.MappingNode || d.broken {
		return
	}
	if name == "" {
		d.spoil(d.line, "%s: the BFD profile has no name", e.path)
		return
	}
	if _, twice := m.profiles[name]; twice {
		d.spoil(d.lineOf("spec.name"), "%s: another BFD profile has the name %q already", e.path, name)
		return
	}
	p.Name, p.Namespace = m.unique("profile", nameFor(name, "profile")), m.namespace
	if _, errs := bgp.ParseBFDProfile(p); m.add(d, p, errs) {
		m.profiles[name] = p.Name
	}
}

// profileOf returns a reader of the name of a BFD profile, which may have another one now. A peer whose profile is not carried over has none.
func (m *migration) profileOf(d *draft, name *string) reader {
	return func(e entry) {
		var written string
		into(d, "bfdProfile", text, &written)(e)
		carried, found := m.profiles[written]
		if !found && written != "" {
			m.leaveOut(e.line, "%s: no BFD profile %q is carried over; left out", e.path, written)
		}
		*name = carried
	}
}
