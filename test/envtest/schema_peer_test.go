// SPDX-License-Identifier: Apache-2.0

package envtest_test

import "testing"

func TestBGPPeerSchema(t *testing.T) {
	t.Parallel()
	peerKind().test(t, map[string]manifest{
		"the tutorial's peer":                            {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100}`},
		"every field that is honoured":                   {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, sourceAddress: 10.96.0.1, peerPort: 1179, holdTime: 9s, keepaliveTime: 3s, connectTime: 10s, routerID: 10.10.10.10, nodeSelectors: [{matchLabels: {rack: a}}], password: secret, ebgpMultiHop: true, ebgpMultiHopTTL: 5, localASN: 64501, vrf: red, dualStackAddressFamily: true, enableGracefulRestart: true, gracefulRestartTime: 60s, gracefulRestartOnNotification: true, perNode: {routerID: "{label:id}"}}`},
		"zero values":                                    {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, dualStackAddressFamily: false, disableMP: false, ebgpMultiHop: false, enableGracefulRestart: false, bfdProfile: "", vrf: "", interface: "", password: "", passwordSecret: {}, routerID: "", sourceAddress: "", nodeSelectors: [], localASN: 0}`},
		"a deprecated field without effect":              {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, disableMP: true}`},
		"an IPv6 peer":                                   {spec: `spec: {myASN: 1, peerASN: 4294967295, peerAddress: "2001:DB8::1", sourceAddress: "2001:db8::2"}`},
		"an internal peer":                               {spec: `spec: {myASN: 64500, peerASN: 64500, peerAddress: 10.0.0.1}`},
		"an internal peer, multihop false":               {spec: `spec: {myASN: 64500, peerASN: 64500, peerAddress: 10.0.0.1, ebgpMultiHop: false}`},
		"a peer on the node":                             {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 127.0.0.1}`},
		"a secret":                                       {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, passwordSecret: {name: md5}}`},
		"a secret in a namespace, and an empty password": {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, password: "", passwordSecret: {name: md5, namespace: net}}`},
		"no hold time":                                   {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: 0s}`},
		"a number of seconds as 0":                       {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: "0", keepaliveTime: "0"}`},
		"durations in several units":                     {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: 1m30s, keepaliveTime: 0.5m, connectTime: 2000ms}`},
		"the longest times":                              {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: 65535s, keepaliveTime: 65534s, connectTime: 18h12m15s}`},
		"no spec":                                        {spec: ``, refused: []string{`spec: Required value`}},
		"an empty spec":                                  {spec: `spec: {}`, refused: []string{`spec.myASN: Required value`}},
		"no local ASN":                                   {spec: `spec: {peerASN: 1, peerAddress: 10.0.0.1}`, refused: []string{`spec.myASN: Required value`}},
		"the local ASN 0":                                {spec: `spec: {myASN: 0, peerASN: 1, peerAddress: 10.0.0.1}`, refused: []string{`spec.myASN: Invalid value: 0: spec.myASN in body should be greater than or equal to 1`}},
		"an ASN too large":                               {spec: `spec: {myASN: 64500, peerASN: 4294967296, peerAddress: 10.0.0.1}`, refused: []string{`spec.peerASN: Invalid value: 4294967296: spec.peerASN in body should be less than or equal to 4294967295`}},
		"a negative ASN":                                 {spec: `spec: {myASN: -1, peerASN: 1, peerAddress: 10.0.0.1}`, refused: []string{`spec.myASN: Invalid value: -1: spec.myASN in body should be greater than or equal to 1`}},
		"an ASN in asdot notation":                       {spec: `spec: {myASN: "1.10", peerASN: 1, peerAddress: 10.0.0.1}`, refused: []string{`spec.myASN: Invalid value: "string": spec.myASN in body must be of type integer: "string"`}},
		"no peer ASN":                                    {spec: `spec: {myASN: 64500, peerAddress: 10.0.0.1}`, refused: []string{`spec.peerASN: Required value: missing peer ASN and dynamicASN; set peerASN to a number from 1 to 4294967295, or dynamicASN to internal or external`}},
		"the peer ASN 0":                                 {spec: `spec: {myASN: 64500, peerASN: 0, peerAddress: 10.0.0.1}`, refused: []string{`spec.peerASN: Required value: missing peer ASN and dynamicASN; set peerASN to a number from 1 to 4294967295, or dynamicASN to internal or external`}},
		"an unknown dynamic ASN":                         {spec: `spec: {myASN: 64500, dynamicASN: any, peerAddress: 10.0.0.1}`, refused: []string{`spec.dynamicASN: Unsupported value: "any": supported values: "internal", "external"`}},
		"both kinds of ASN": {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, dynamicASN: internal}`, refused: []string{
			`spec.dynamicASN: Invalid value: both peer ASN and dynamicASN specified; remove one`,
		}},
		"multihop to an internal peer": {spec: `spec: {myASN: 64500, peerASN: 64500, peerAddress: 10.0.0.1, ebgpMultiHop: true}`, refused: []string{`spec.ebgpMultiHop: Invalid value: invalid ebgp-multihop parameter set for an ibgp peer; remove it, since peers of one ASN may be any number of hops away`}},
		"no address":                   {spec: `spec: {myASN: 64500, peerASN: 64512}`, refused: []string{`spec.peerAddress: Required value: peer has no Address or Interface specified; set it to the peer's IPv4 or IPv6 address, or set interface or defaultGateway`}},
		"an empty address":             {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: ""}`, refused: []string{`spec.peerAddress: Required value: peer has no Address or Interface specified; set it to the peer's IPv4 or IPv6 address, or set interface or defaultGateway`}},
		"address and interface": {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, interface: eth0}`, refused: []string{
			`spec.interface: Invalid value: peer has both Address and Interface specified; remove one`,
		}},
		"a name as address":                             {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: router}`, refused: []string{`spec.peerAddress: Invalid value: "router": invalid BGPPeer address: must be an IPv4 or IPv6 address without zone`}},
		"an address with a port":                        {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: "10.0.0.1:179"}`, refused: []string{`spec.peerAddress: Invalid value: "10.0.0.1:179": invalid BGPPeer address: must be an IPv4 or IPv6 address without zone`}},
		"an address with a zone":                        {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: "fe80::1%eth0"}`, refused: []string{`spec.peerAddress: Invalid value: "fe80::1%eth0": invalid BGPPeer address: must be an IPv4 or IPv6 address without zone`}},
		"a link-local address":                          {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: "fe80::1"}`, refused: []string{`spec.peerAddress: Invalid value: "fe80::1": invalid BGPPeer address: must be a unicast address; a link-local IPv6 address means nothing without an interface; set interface instead`}},
		"the unspecified address":                       {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 0.0.0.0}`, refused: []string{`spec.peerAddress: Invalid value: "0.0.0.0": invalid BGPPeer address: must be a unicast address; a link-local IPv6 address means nothing without an interface; set interface instead`}},
		"a multicast address":                           {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 224.0.0.5}`, refused: []string{`spec.peerAddress: Invalid value: "224.0.0.5": invalid BGPPeer address: must be a unicast address; a link-local IPv6 address means nothing without an interface; set interface instead`}},
		"the broadcast address":                         {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 255.255.255.255}`, refused: []string{`spec.peerAddress: Invalid value: "255.255.255.255": invalid BGPPeer address: must be a unicast address; a link-local IPv6 address means nothing without an interface; set interface instead`}},
		"IPv4 written as IPv6":                          {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: "::ffff:10.0.0.1"}`, refused: []string{`spec.peerAddress: Invalid value: "::ffff:10.0.0.1": invalid BGPPeer address: must be an IPv4 or IPv6 address without zone`}},
		"a malformed source":                            {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, sourceAddress: eth0}`, refused: []string{`spec.sourceAddress: Invalid value: "eth0": invalid source IP: must be an IPv4 or IPv6 address without zone`}},
		"a source of the other family":                  {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, sourceAddress: "2001:db8::1"}`, refused: []string{`spec.sourceAddress: Invalid value: invalid source IP: must be of the same address family as peerAddress`}},
		"the port 0":                                    {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, peerPort: 0}`, refused: []string{`spec.peerPort: Invalid value: 0: spec.peerPort in body should be greater than or equal to 1`}, schemaOnly: true},
		"a port too large":                              {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, peerPort: 65536}`, refused: []string{`spec.peerPort: Invalid value: 65536: spec.peerPort in body should be less than or equal to 65535`}},
		"a hold time too short":                         {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: 2s}`, refused: []string{`spec.holdTime: Invalid value: "2s": invalid hold time: must be 0 or >=3s, in whole seconds up to 65535s`}},
		"a hold time too long":                          {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: 65536s}`, refused: []string{`spec.holdTime: Invalid value: "65536s": invalid hold time: must be 0 or >=3s, in whole seconds up to 65535s`}},
		"a hold time with a fraction":                   {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: 3.5s}`, refused: []string{`spec.holdTime: Invalid value: "3.5s": invalid hold time: must be 0 or >=3s, in whole seconds up to 65535s`}},
		"a hold time without unit":                      {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: "90"}`, refused: []string{`spec.holdTime: Invalid value: "90": invalid hold time: must be a duration such as 90s or 1m30s`}},
		"a hold time as a number":                       {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: 90}`, refused: []string{`spec.holdTime: Invalid value: "integer": spec.holdTime in body must be of type string: "integer"`}},
		"a negative hold time":                          {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: -90s}`, refused: []string{`spec.holdTime: Invalid value: "-90s": invalid hold time: must be a duration such as 90s or 1m30s`}},
		"a word as hold time":                           {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: soon}`, refused: []string{`spec.holdTime: Invalid value: "soon": invalid hold time: must be a duration such as 90s or 1m30s`}},
		"a hold time in days":                           {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: 1d}`, refused: []string{`spec.holdTime: Invalid value: "1d": invalid hold time: must be a duration such as 90s or 1m30s`}},
		"a keepalive as long as the hold time":          {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: 9s, keepaliveTime: 9s}`, refused: []string{`spec.keepaliveTime: Invalid value: invalid keepaliveTime, must be lower than holdTime, which is 90s unless set`}},
		"a keepalive longer than the default hold time": {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, keepaliveTime: 90s}`, refused: []string{`spec.keepaliveTime: Invalid value: invalid keepaliveTime, must be lower than holdTime, which is 90s unless set`}},
		"a keepalive without hold time":                 {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: 0s, keepaliveTime: 1s}`, refused: []string{`spec.keepaliveTime: Invalid value: invalid keepaliveTime, must be lower than holdTime, which is 90s unless set`}},
		"a malformed keepalive":                         {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, keepaliveTime: x}`, refused: []string{`spec.keepaliveTime: Invalid value: "x": invalid keepaliveTime: must be a duration such as 90s or 1m30s`}},
		"a keepalive beside a malformed hold time":      {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, holdTime: x, keepaliveTime: 9s}`, refused: []string{`spec.holdTime: Invalid value: "x": invalid hold time: must be a duration such as 90s or 1m30s`}},
		"a keepalive with a fraction":                   {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, keepaliveTime: 1500ms}`, refused: []string{`spec.keepaliveTime: Invalid value: "1500ms": invalid keepaliveTime: must be in whole seconds, 0 or more`}},
		"a connect time of 0":                           {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, connectTime: 0s}`, refused: []string{`spec.connectTime: Invalid value: "0s": invalid connect time: must be from 1s to 65535s, in whole seconds`}},
		"a connect time too long":                       {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, connectTime: 24h}`, refused: []string{`spec.connectTime: Invalid value: "24h": invalid connect time: must be from 1s to 65535s, in whole seconds`}},
		"a connect time with a fraction":                {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, connectTime: 1.5s}`, refused: []string{`spec.connectTime: Invalid value: "1.5s": invalid connect time: must be from 1s to 65535s, in whole seconds`}},
		"an IPv6 router ID":                             {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, routerID: "2001:db8::1"}`, refused: []string{`spec.routerID: Invalid value: "2001:db8::1": invalid router ID: must be written as an IPv4 address other than 0.0.0.0`}},
		"the router ID 0":                               {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, routerID: 0.0.0.0}`, refused: []string{`spec.routerID: Invalid value: "0.0.0.0": invalid router ID: must be written as an IPv4 address other than 0.0.0.0`}},
		"a node selector twice":                         {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, nodeSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}`, parserOnly: `spec.nodeSelectors[1]: Duplicate value: "a=b": duplicate definition of nodeSelectors "a=b"; remove one`},
		"a node selector that is null":                  {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, nodeSelectors: [null]}`, refused: []string{`spec.nodeSelectors[0]: Invalid value: "null": spec.nodeSelectors[0] in body must be of type object: "null"`}, schemaOnly: true},
		"fields that are null":                          {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, nodeSelectors: null, holdTime: null, peerPort: null, password: null, passwordSecret: null}`},
		"password and secret":                           {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, password: secret, passwordSecret: {name: md5}}`, refused: []string{`spec.password: Forbidden: can not have both password and secret ref set; remove password`}},
		"a password too long":                           {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, password: hushhushhushhushhushhushhushhushhushhushhushhushhushhushhushhushhushhushhushhushhush}`, refused: []string{`spec.password: Too long: may not be more than 80 bytes`}},
		"a password too long in bytes":                  {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, password: üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü}`, refused: []string{`spec.password: Forbidden: may not be more than 80 bytes`}},
		"a BFD profile":                                 {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, bfdProfile: fast}`},
		"a restart time":                                {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, enableGracefulRestart: true, gracefulRestartTime: 4095s, gracefulRestartOnNotification: false}`},
		"a restart time of 0":                           {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, enableGracefulRestart: true, gracefulRestartTime: 0s}`, refused: []string{`spec.gracefulRestartTime: Invalid value: "0s": invalid graceful restart time: must be from 1s to 4095s, in whole seconds`}},
		"a restart time too long":                       {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, enableGracefulRestart: true, gracefulRestartTime: 4096s}`, refused: []string{`spec.gracefulRestartTime: Invalid value: "4096s": invalid graceful restart time: must be from 1s to 4095s, in whole seconds`}},
		"a restart time with a fraction":                {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, enableGracefulRestart: true, gracefulRestartTime: 1.5s}`, refused: []string{`spec.gracefulRestartTime: Invalid value: "1.5s": invalid graceful restart time: must be from 1s to 4095s, in whole seconds`}},
		"a malformed restart time":                      {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, enableGracefulRestart: true, gracefulRestartTime: soon}`, refused: []string{`spec.gracefulRestartTime: Invalid value: "soon": invalid graceful restart time: must be a duration such as 90s or 1m30s`}},
		"a restart time without graceful restart":       {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, gracefulRestartTime: 60s}`, refused: []string{`spec.gracefulRestartTime: Invalid value: is the time with enableGracefulRestart; set that to true or remove this`}},
		"notifications without graceful restart":        {spec: `spec: {myASN: 64500, peerASN: 64512, peerAddress: 10.96.0.100, enableGracefulRestart: false, gracefulRestartOnNotification: true}`, refused: []string{`spec.gracefulRestartOnNotification: Invalid value: extends enableGracefulRestart; set that to true or remove this`}},
	})
}

// peer is a manifest with what every one of the peers below has.
func peer(fields string, refused ...string) manifest {
	return manifest{spec: "spec: {myASN: 64500, " + fields + "}", refused: refused}
}

func TestBGPPeerSchemaOfASNs(t *testing.T) {
	t.Parallel()
	const (
		internalMultiHop = `spec.ebgpMultiHop: Invalid value: invalid ebgp-multihop parameter set for an ibgp peer; remove it, since peers of one ASN may be any number of hops away`
		missing          = `spec.peerASN: Required value: missing peer ASN and dynamicASN; set peerASN to a number from 1 to 4294967295, or dynamicASN to internal or external`
	)
	peerKind().test(t, map[string]manifest{
		"any other ASN":                   peer(`dynamicASN: external, peerAddress: 10.0.0.1`),
		"the same ASN, whatever it is":    peer(`dynamicASN: internal, peerAddress: 10.0.0.1`),
		"any other ASN and 0":             peer(`peerASN: 0, dynamicASN: external, peerAddress: 10.0.0.1`),
		"any other ASN, many hops away":   peer(`dynamicASN: external, peerAddress: 10.0.0.1, ebgpMultiHop: true`),
		"the same ASN, many hops away":    peer(`dynamicASN: internal, peerAddress: 10.0.0.1, ebgpMultiHop: true`, internalMultiHop),
		"a local ASN":                     peer(`peerASN: 64512, peerAddress: 10.0.0.1, localASN: 4294967295`),
		"a local ASN too large":           peer(`peerASN: 64512, peerAddress: 10.0.0.1, localASN: 4294967296`, `spec.localASN: Invalid value: 4294967296: spec.localASN in body should be less than or equal to 4294967295`),
		"internal by the local ASN":       peer(`peerASN: 64512, peerAddress: 10.0.0.1, localASN: 64512`),
		"internal by the local ASN, far":  peer(`peerASN: 64512, peerAddress: 10.0.0.1, localASN: 64512, ebgpMultiHop: true`, internalMultiHop),
		"external by the local ASN, far":  peer(`peerASN: 64500, peerAddress: 10.0.0.1, localASN: 64512, ebgpMultiHop: true`),
		"internal but for nodes, far":     peer(`peerASN: 64500, peerAddress: 10.0.0.1, ebgpMultiHop: true, perNode: {myASN: "645{label:rack}"}`),
		"external but for nodes, far":     peer(`peerASN: 64500, peerAddress: 10.0.0.1, ebgpMultiHop: true, perNode: {peerASN: "645{label:rack}"}`),
		"internal, far, as nodes say too": peer(`peerASN: 64500, peerAddress: 10.0.0.1, ebgpMultiHop: true, perNode: {myASN: "", routerID: "{label:id}"}`, internalMultiHop),
		"an ASN that only nodes know":     peer(`peerAddress: 10.0.0.1, perNode: {peerASN: "{annotation:example.com/asn}"}`),
		"an ASN that not even nodes know": peer(`peerAddress: 10.0.0.1, perNode: {peerASN: ""}`, missing),
	})
}

func TestBGPPeerSchemaOfWhereThePeerIs(t *testing.T) {
	t.Parallel()
	const (
		noDevice   = `must be the name of a network device, of up to 15 characters without space, /, : and %`
		twice      = `spec.defaultGateway: Invalid value: the peer is the default gateway, so it has no peerAddress or interface; remove them or defaultGateway`
		otherRoute = `spec.sourceAddress: Invalid value: invalid source IP: must be of the same address family as the default gateway`
	)
	peerKind().test(t, map[string]manifest{
		"an interface":                           peer(`peerASN: 64512, interface: eth0`),
		"an interface with dots and dashes":      peer(`peerASN: 64512, interface: bond0.100-a_b`),
		"an interface of 15 characters":          peer(`peerASN: 64512, interface: enp0s31f6np0v10`),
		"an interface of 16 characters":          peer(`peerASN: 64512, interface: enp0s31f6np0v100`, `spec.interface: Too long: may not be more than 15 bytes`),
		"an interface of 16 bytes":               peer(`peerASN: 64512, interface: üüüüüüüü`, `spec.interface: Invalid value: "üüüüüüüü": `+noDevice),
		"an interface with a slash":              peer(`peerASN: 64512, interface: eth0/1`, `spec.interface: Invalid value: "eth0/1": `+noDevice),
		"an interface with a tab":                peer(`peerASN: 64512, interface: "eth\t0"`, "spec.interface: Invalid value: \"eth\\t0\": "+noDevice),
		"an interface that is a folder":          peer(`peerASN: 64512, interface: ".."`, `spec.interface: Invalid value: "..": `+noDevice),
		"an interface and a source":              peer(`peerASN: 64512, interface: eth0, sourceAddress: "2001:db8::1"`, `spec.sourceAddress: Invalid value: a session on an interface is between link-local addresses; remove sourceAddress`),
		"a VRF":                                  peer(`peerASN: 64512, peerAddress: 10.0.0.1, vrf: red`),
		"a VRF of an interface":                  peer(`peerASN: 64512, interface: eth0, vrf: red`),
		"a VRF with a colon":                     peer(`peerASN: 64512, peerAddress: 10.0.0.1, vrf: "red:1"`, `spec.vrf: Invalid value: "red:1": `+noDevice),
		"the default gateway":                    peer(`peerASN: 64512, defaultGateway: IPv4`),
		"the default gateway, from an address":   peer(`peerASN: 64512, defaultGateway: IPv6, sourceAddress: "2001:db8::1"`),
		"the default gateway, from another":      peer(`peerASN: 64512, defaultGateway: IPv6, sourceAddress: 10.0.0.1`, otherRoute),
		"the IPv4 default gateway, from another": peer(`peerASN: 64512, defaultGateway: IPv4, sourceAddress: "2001:db8::1"`, otherRoute),
		"the default gateway of no family":       peer(`peerASN: 64512, defaultGateway: ipv4`, `spec.defaultGateway: Unsupported value: "ipv4": supported values: "IPv4", "IPv6"`),
		"the default gateway at an address":      peer(`peerASN: 64512, defaultGateway: IPv4, peerAddress: 10.0.0.1`, twice),
		"the default gateway on an interface":    peer(`peerASN: 64512, defaultGateway: IPv4, interface: eth0`, twice),
		"both families":                          peer(`peerASN: 64512, peerAddress: 10.0.0.1, dualStackAddressFamily: true`),
		"both families and disableMP":            peer(`peerASN: 64512, peerAddress: 10.0.0.1, dualStackAddressFamily: true, disableMP: true`),
	})
}

func TestBGPPeerSchemaOfHops(t *testing.T) {
	t.Parallel()
	peerKind().test(t, map[string]manifest{
		"two hops":                                  peer(`peerASN: 64512, peerAddress: 10.0.0.1, ebgpMultiHop: true, ebgpMultiHopTTL: 2`),
		"one hop":                                   peer(`peerASN: 64512, peerAddress: 10.0.0.1, ebgpMultiHop: true, ebgpMultiHopTTL: 1`, `spec.ebgpMultiHopTTL: Invalid value: 1: spec.ebgpMultiHopTTL in body should be greater than or equal to 2`),
		"too many hops":                             peer(`peerASN: 64512, peerAddress: 10.0.0.1, ebgpMultiHop: true, ebgpMultiHopTTL: 256`, `spec.ebgpMultiHopTTL: Invalid value: 256: spec.ebgpMultiHopTTL in body should be less than or equal to 255`),
		"a TTL for no hops":                         peer(`peerASN: 64512, peerAddress: 10.0.0.1, ebgpMultiHopTTL: 5`, `spec.ebgpMultiHopTTL: Invalid value: is the time to live with ebgpMultiHop; set that to true or remove this`),
		"TTL security":                              peer(`peerASN: 64512, peerAddress: 10.0.0.1, ttlSecurityHops: 1`),
		"TTL security with an internal peer":        peer(`peerASN: 64500, peerAddress: 10.0.0.1, ttlSecurityHops: 254`),
		"TTL security on an interface":              peer(`peerASN: 64512, interface: eth0, ttlSecurityHops: 1`),
		"TTL security of no hops":                   peer(`peerASN: 64512, peerAddress: 10.0.0.1, ttlSecurityHops: 0`, `spec.ttlSecurityHops: Invalid value: 0: spec.ttlSecurityHops in body should be greater than or equal to 1`),
		"TTL security of as many hops as there are": peer(`peerASN: 64512, peerAddress: 10.0.0.1, ttlSecurityHops: 255`, `spec.ttlSecurityHops: Invalid value: 255: spec.ttlSecurityHops in body should be less than or equal to 254`),
		"TTL security and multihop":                 peer(`peerASN: 64512, peerAddress: 10.0.0.1, ttlSecurityHops: 2, ebgpMultiHop: true`, `spec.ttlSecurityHops: Invalid value: both say how many hops away the peer may be; remove ebgpMultiHop`),
	})
}

func TestBGPPeerSchemaOfValuesPerNode(t *testing.T) {
	t.Parallel()
	names := func(field, value string) string {
		return `spec.perNode.` + field + `: Invalid value: "` + value + `": must name labels or annotations of the node, as in {label:KEY} or {annotation:KEY}`
	}
	with := func(perNode string, refused ...string) manifest {
		return peer(`peerASN: 64512, peerAddress: 10.0.0.1, perNode: {`+perNode+`}`, refused...)
	}
	m := with(`routerID: "{label:a b}"`)
	m.parserOnly = `spec.perNode.routerID: Invalid value: "{label:a b}": {label:a b}: the key "a b" name part must consist of alphanumeric characters, '-', '_' or '.', ` +
		`and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`
	peerKind().test(t, map[string]manifest{
		"none":       with(``),
		"empty ones": with(`myASN: "", peerASN: "", sourceAddress: "", routerID: "", passwordSecret: ""`),
		"all of them": with(`myASN: "42000000{label:rack}", peerASN: "{annotation:example.com/asn}", sourceAddress: "10.0.{label:rack}.{label:topology.kubernetes.io/zone}",
			routerID: "{label:id}", passwordSecret: "bgp-{label:rack}"`),
		"a key that is none":       m,
		"the same for all":         with(`myASN: "64512"`, names("myASN", "64512")),
		"a brace that is open":     with(`peerASN: "{label:rack"`, names("peerASN", "{label:rack")),
		"a brace that is closed":   with(`sourceAddress: "{label:rack}}"`, names("sourceAddress", "{label:rack}}")),
		"a brace in a brace":       with(`routerID: "{label:{label:rack}}"`, names("routerID", "{label:{label:rack}}")),
		"a field":                  with(`passwordSecret: "{field:spec.podCIDR}"`, names("passwordSecret", "{field:spec.podCIDR}")),
		"no key":                   with(`routerID: "{label:}"`, names("routerID", "{label:}")),
		"beside localASN":          peer(`peerASN: 64512, peerAddress: 10.0.0.1, localASN: 64501, perNode: {myASN: "{label:asn}"}`, `spec.perNode.myASN: Invalid value: has no effect with localASN; remove one`),
		"beside dynamicASN":        peer(`dynamicASN: external, peerAddress: 10.0.0.1, perNode: {peerASN: "{label:asn}"}`, `spec.perNode.peerASN: Invalid value: has no effect with dynamicASN; remove one`),
		"beside an interface":      peer(`peerASN: 64512, interface: eth0, perNode: {sourceAddress: "{label:address}"}`, `spec.perNode.sourceAddress: Invalid value: has no effect with interface; remove one`),
		"beside a password":        peer(`peerASN: 64512, peerAddress: 10.0.0.1, password: sesame, perNode: {passwordSecret: "{label:rack}"}`, `spec.perNode.passwordSecret: Invalid value: has no effect with password; remove one`),
		"beside what it is not of": peer(`peerASN: 64512, interface: eth0, localASN: 64501, password: sesame, perNode: {peerASN: "{label:a}", routerID: "{label:b}"}`),
	})
}
