// SPDX-License-Identifier: Apache-2.0

package config_test

// guarded has a peer with a BFD profile, one that is not used, and one that does not parse.
const guarded = `
	profile fast: {transmitInterval: 50, receiveInterval: 50}
	profile spare: {}
	profile broken: {detectMultiplier: 1}
	peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, bfdProfile: fast}
	peer second: {myASN: 64512, peerASN: 64513, peerAddress: "2001:db8::fe", bfdProfile: fast}
`

// keptProfile is what comes of a profile that cannot be had.
const keptProfile = "sessions with the peer keep the BFD profile that they have, or have no BFD"

// withoutEcho is why echoMode has no effect, and what to do.
const withoutEcho = "nodes send no echo packets, which the Linux kernel allows only with the capability NET_RAW. Peers are watched by control packets " +
	"alone, as often as spec.receiveInterval and spec.transmitInterval say; set these as short as needed, and remove spec.echoMode"

// profileCases are about BFDProfiles, and about the peers that name them.
var profileCases = map[string]verdictCase{
	"a profile of nothing but defaults": {
		apply: `profile fast: {}`,
	},
	"every value": {
		apply: `profile fast: {receiveInterval: 10, transmitInterval: 60000, detectMultiplier: 255, echoInterval: 10, passiveMode: true, minimumTtl: 1}`,
	},
	"every value out of range": {
		apply: `profile fast: {receiveInterval: 9, transmitInterval: 60001, detectMultiplier: 1, echoInterval: 0, minimumTtl: 255}`,
		wantErrors: []string{
			"spec.receiveInterval: must be from 10 to 60000, in milliseconds", "spec.transmitInterval: must be from 10 to 60000, in milliseconds",
			"spec.echoInterval: must be from 10 to 60000, in milliseconds", "spec.detectMultiplier: must be from 2 to 255", "spec.minimumTtl: must be from 1 to 254",
		},
	},
	"a profile in another namespace": {
		apply:      `profile fast: {namespace: default}`,
		wantErrors: []string{"metadata.namespace: resource must be created in metallb-system namespace; other namespaces are ignored"},
	},
	"echo packets, which nodes do not send": {
		apply:        `profile fast: {echoMode: true}`,
		wantWarnings: []string{`BFDProfile "fast" has spec.echoMode, which has no effect: ` + withoutEcho},
	},
	"a peer names a profile": {
		given: guarded,
		apply: `peer third: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.253, bfdProfile: spare}`,
	},
	"a peer names a profile that is yet to come": {
		given:        guarded,
		apply:        `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, bfdProfile: slow}`,
		wantWarnings: []string{`BGPPeer "router" names BFDProfile "slow" in spec.bfdProfile, which does not exist; create it: until then, ` + keptProfile},
	},
	"a peer names a profile that does not parse": {
		given:        guarded,
		apply:        `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, bfdProfile: broken}`,
		wantWarnings: []string{`BGPPeer "router" names BFDProfile "broken" in spec.bfdProfile, which is invalid; correct it: until then, ` + keptProfile},
	},
	"a peer names no profile any more": {
		given: guarded,
		apply: `peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254}`,
	},
	"a profile in use changes": {
		given: guarded,
		apply: `profile fast: {transmitInterval: 100}`,
	},
	"a profile in use goes": {
		given:  guarded,
		remove: "profile fast",
		wantErrors: []string{
			`metadata.name: failed to delete BFDProfile "fast", used by BGPPeer "router", "second"; change or remove spec.bfdProfile there first`,
		},
	},
	"a profile in use goes, by an operator who allows disruption": {
		given: `
			profile fast: {disruption: true}
			peer router: {myASN: 64512, peerASN: 64513, peerAddress: 172.30.0.254, bfdProfile: fast}`,
		remove:       "profile fast",
		wantWarnings: []string{`BFDProfile "fast" is used by BGPPeer "router": ` + keptProfile},
	},
	"a profile that nobody names goes": {
		given:  guarded,
		remove: "profile spare",
	},
	"the last peer with a profile goes": {
		given:  guarded,
		remove: "peer router",
	},
}
