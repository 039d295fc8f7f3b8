// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

// whole is a configuration, as MetalLB reads it.
const whole = `peers:
- peer-address: 10.0.0.1
  peer-asn: 64501
  my-asn: 64500
address-pools:
- name: public
  protocol: bgp
  addresses:
  - 198.51.100.0/24
`

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {namespace: metallb-system, name: config}\ndata:\n  config: |\n"

// indented returns the text with each line so many characters further to the right.
func indented(by int, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Repeat(" ", by) + line)
	}
	return b.String()
}

// utf16Of returns the text in UTF-16 with a byte order mark.
func utf16Of(text string) string {
	var content []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		content = binary.LittleEndian.AppendUint16(content, unit)
	}
	return string(content)
}

func TestAConfigurationIsFoundWhereverPeopleHaveIt(t *testing.T) {
	t.Parallel()
	oneLine := `{"peers":[{"peer-address":"10.0.0.1","peer-asn":64501,"my-asn":64500}],` +
		`"address-pools":[{"name":"public","protocol":"bgp","addresses":["198.51.100.0/24"]}]}`
	tests := map[string]string{
		"the text alone": whole,
		"the text alone, after comments and marks": "# MetalLB\n---\n" + whole + "...\n",
		"JSON":                                oneLine,
		"JSON with tabs":                      strings.NewReplacer(`[{`, "[\n\t{", `":`, "\":\t").Replace(oneLine),
		"Windows":                             "\ufeff" + strings.ReplaceAll(configMap+indented(4, whole), "\n", "\r\n"),
		"PowerShell":                          utf16Of(configMap + indented(4, whole)),
		"the ConfigMap":                       configMap + indented(4, whole),
		"a ConfigMap of another name and key": "kind: ConfigMap\nmetadata: {name: bgp-config}\ndata:\n  other: x\n  config.yaml: |\n" + indented(4, whole),
		"a ConfigMap with a text in JSON":     configMap + "    " + oneLine + "\n",
		"a ConfigMap with a folded text":      fmt.Sprintf("kind: ConfigMap\nmetadata: {name: config}\ndata: {config: %q}\n", whole),
		"a ConfigMap whose text is none":      "kind: ConfigMap\nmetadata: {name: config}\ndata:\n  config:\n" + indented(4, whole),
		"a ConfigMap without data":            "kind: ConfigMap\nmetadata: {name: config}\nconfig: |\n" + indented(2, whole),
		"what is below data":                  "data:\n  config: |\n" + indented(4, whole),
		"a list": "kind: List\nitems:\n- kind: ConfigMap\n  metadata: {name: other}\n  data: {config: \"kind: Cluster\"}\n" +
			"- kind: ConfigMap\n  metadata: {name: config}\n  data:\n    config: |\n" + indented(6, whole),
		"other objects before and after": "kind: Namespace\nmetadata: {name: a, labels: {peers: b}}\n---\n" + configMap + indented(4, whole) + "---\nkind: Service\nspec: {ports: []}\n",
		"what kubectl applied, in an annotation": "kind: ConfigMap\nmetadata:\n  name: config\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n" +
			`      {"kind":"ConfigMap","data":{"config":"address-pools: []"}}` + "\ndata:\n  config: |\n" + indented(4, whole),
		"values of the chart":             "configInline:\n" + indented(2, whole) + "speaker: {tolerateMaster: true}\npeers: []\n",
		"values of a parent chart":        "global: {}\nmetallb:\n  existingConfigMap: \"\"\n  configInline:\n" + indented(4, whole),
		"values with a text":              "configInline: |\n" + indented(2, whole),
		"a HelmRelease of Flux":           "kind: HelmRelease\nspec:\n  values:\n    configInline:\n" + indented(6, whole),
		"a HelmChart of K3s":              "kind: HelmChart\nspec:\n  valuesContent: |-\n    configInline:\n" + indented(6, whole),
		"numbers and booleans in quotes":  strings.NewReplacer("64501", `"64501"`, "64500", "'64500'", "protocol: bgp", "auto-assign: \"true\"").Replace(whole),
		"an anchor that is merged":        "x-peer: &peer {my-asn: 64500}\nconfigInline:\n" + indented(2, strings.Replace(whole, "my-asn: 64500", "<<: *peer", 1)),
		"values beside another chart's":   "metallb:\n  configInline:\n" + indented(4, whole) + "alertmanager:\n  existingConfigMap: my-alerts\n",
		"a configuration below some name": "metallb_configuration:\n" + indented(2, whole),
	}
	for name, input := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := migrated(input)
			if !got.ok || got.err != "" || got.remarks != "" {
				t.Errorf("all carried over: %t, error %q, remarks %q", got.ok, got.err, got.remarks)
			}
			for _, want := range []string{"peerAddress: 10.0.0.1\n", "peerASN: 64501\n", "myASN: 64500\n", "- 198.51.100.0/24\n", "kind: BGPAdvertisement\n"} {
				if strings.Count(got.resources, want) != 1 {
					t.Errorf("there is not one %q in what came out:\n%s", want, got.resources)
				}
			}
		})
	}
}

func TestWhereNothingCanBeMadeALineSaysWhatToDo(t *testing.T) {
	t.Parallel()
	const nothing = "-: found no configuration of MetalLB up to 0.12; give the ConfigMap, the text of its key config, or the Helm values with configInline"
	tests := map[string]struct{ input, want string }{
		"nothing":                        {"", nothing},
		"another object":                 {"kind: Secret\ndata: {config: x}\n", nothing},
		"another ConfigMap":              {"kind: ConfigMap\nmetadata: {name: other}\ndata: {settings: \"a: b\"}\n", nothing},
		"peers of something else":        {"kind: Mesh\nspec: {peers: [{name: a}]}\n", nothing},
		"a text about peers":             {"kind: ConfigMap\ndata: {note: \"see peers:none\"}\n---\nsee peers:none\n", nothing},
		"a custom resource":              {"apiVersion: metallb.io/v1beta1\nkind: AddressPool\n", "-:1: this is metallb.io/v1beta1 AddressPool, a custom resource; there is nothing to migrate, check it with kubectl metallb validate"},
		"no YAML":                        {"a: b\nc: {\n", "-:2: invalid YAML: did not find expected node content"},
		"no YAML in the ConfigMap":       {configMap + "    peers:\n    - a: b: c\n", "-:7: invalid YAML: mapping values are not allowed in this context"},
		"no YAML in another key":         {"kind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: |\n    peers:\n    - a: b: c\n", "-:6: invalid YAML: mapping values are not allowed in this context"},
		"an unknown anchor":              {configMap + "    peers: *hunter2\n", "-:6: invalid YAML: unknown anchor … referenced"},
		"tabs":                           {"peers:\n- my-asn: 1\n\tpeer-asn: 2\n", "-:3: invalid YAML: the line is indented with a tab; use spaces"},
		"tabs in the ConfigMap":          {configMap + "    peers:\n    \t- my-asn: 1\n", "-:7: invalid YAML: the line is indented with a tab; use spaces"},
		"an empty key":                   {configMap + "    # Nothing yet.\n", "-:6: the configuration is empty"},
		"empty lists":                    {configMap + "    peers: []\n    bfd-profiles: []\n", "-:6: the configuration is empty"},
		"empty values":                   {"configInline: {}\nexistingConfigMap: \"\"\n", "-:1: the configuration is empty"},
		"values that name another":       {"configInline: {}\nexistingConfigMap: \"bgp\"\n", `-:2: existingConfigMap names the ConfigMap "bgp"; get it with kubectl get configmap --output yaml, and migrate that`},
		"values that name and have":      {"existingConfigMap: bgp\nconfigInline:\n  peers: []\n  address-pools: []\n", `-:1: existingConfigMap names the ConfigMap "bgp", but there is configInline too, at -:3; remove the one that is not in use`},
		"values whose pools are outside": {"configInline:\n  peers: []\naddress-pools: [{name: p, protocol: bgp, addresses: [198.51.100.0/24]}]\n", `-:3: address-pools is outside of configInline: lines have lost their indentation; indent them further than "configInline:"`},
		"values that are all outside":    {"configInline:\n" + whole, `-:6: address-pools is outside of configInline: lines have lost their indentation; indent them further than "configInline:"`},
		"two ConfigMaps of that name": {
			configMap + "    peers: []\n---\n" + configMap + "    peers: []\n",
			"-: there are several configurations, at -:6 (ConfigMap config, key config) and at -:13 (ConfigMap config, key config); keep one",
		},
		"two ConfigMaps of other names": {
			strings.ReplaceAll(configMap+"    peers: []\n---\n"+configMap+"    peers: []\n", "name: config", "name: x"),
			"-: there are several configurations, at -:6 (ConfigMap x, key config) and at -:13 (ConfigMap x, key config); keep one",
		},
		"two documents":                       {whole + "---\n" + whole, "-: there are several configurations, at -:1 (a configuration) and at -:11 (a configuration); keep one"},
		"two documents in the ConfigMap":      {configMap + indented(4, whole) + "    ---\n    peers: []\n", "-:16: a second document begins here, which MetalLB does not read; remove it, or move its keys to the first"},
		"the key of the ConfigMap twice":      {configMap + "    peers: []\n  config: |\n" + indented(4, whole), `-:7: the key "config" is written twice; remove one; the first is at -:5`},
		"a key twice in the ConfigMap":        {configMap + indented(4, whole+"peers: []\n"), `-:15: the key "peers" is written twice; remove one; the first is at -:6`},
		"a key of a pool twice":               {whole + "  name: other\n", `-:10: the key "name" is written twice; remove one; the first is at -:6`},
		"a key of JSON twice":                 {"{\"peers\": [],\n\"peers\": []}", `-:2: the key "peers" is written twice; remove one; the first is at -:1`},
		"indentation lost":                    {configMap + indented(2, whole), `-:6: peers is outside of the text of the key config: lines have lost their indentation; indent them further than "config: |"`},
		"all indentation lost":                {strings.ReplaceAll(configMap, "  ", "") + whole, `-:6: peers is outside of the text of the key config: lines have lost their indentation; indent them further than "config: |"`},
		"indentation lost in the middle":      {configMap + "    peers: []\n  address-pools:\n  - name: a\n", `-:7: address-pools is outside of the text of the key config: lines have lost their indentation; indent them further than "config: |"`},
		"a template of Helm":                  {"{{- if .Values.pools }}\n" + whole + "{{- end }}\n", "-:1: this is a Helm template; render it first, with helm template"},
		"a template of Helm that looks valid": {strings.Replace(whole, "64501", "{{ .Values.asn }}", 1), "-:3: this is a Helm template; render it first, with helm template"},
		"only what is not supported":          {"address-pools: [{name: a, protocol: layer2, addresses: [10.0.0.0/24]}]\n", "-: nothing is carried over, for the reasons above"},
		"no mapping":                          {configMap + "    none\n", "-: nothing is carried over, for the reasons above"},
		"misspelt keys":                       {configMap + "    address_pools: []\n", "-: nothing is carried over, for the reasons above"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := migrated(tc.input)
			if got.err != tc.want || got.resources != "" || (got.remarks != "") != strings.HasSuffix(tc.want, "above") {
				t.Errorf("got %+v, want error %q", got, tc.want)
			}
		})
	}
}

func TestWhatWouldMeanSomethingElseIsLeftOut(t *testing.T) {
	t.Parallel()
	peer := "peers:\n- peer-address: 10.0.0.1\n  peer-asn: 64501\n  my-asn: 64500\n"
	pool := "address-pools:\n- name: public\n  protocol: bgp\n  addresses: [198.51.100.0/24]\n"
	everyNode := "peers[0].node-selectors[0]: with nothing that is carried over, it would select every node; peers[0] is left out\n"
	tests := map[string]struct{ input, want string }{
		"an ASN in two parts":            {strings.Replace(peer, "64501", "1.10", 1), "-:3: peers[0].peer-asn: must be a number from 0 to 4294967295; peers[0] is left out\n"},
		"an ASN in two parts, in quotes": {strings.Replace(peer, "64501", `"1.10"`, 1), "-:3: peers[0].peer-asn: must be a number from 0 to 4294967295; peers[0] is left out\n"},
		"a port with a fraction":         {peer + "  peer-port: 1790.5\n", "-:5: peers[0].peer-port: must be a number from 0 to 65535; peers[0] is left out\n"},
		"labels in a list": {peer + "  node-selectors:\n  - match-labels:\n    - kubernetes.io/hostname: node1\n",
			"-:6: peers[0].node-selectors[0].match-labels: must be a mapping of strings to strings; peers[0] is left out\n"},
		"a label that is a list": {peer + "  node-selectors:\n  - match-labels: {rack: a, zone: [b]}\n",
			"-:6: peers[0].node-selectors[0].match-labels: must be a mapping of strings to strings; peers[0] is left out\n"},
		"a misspelt selector": {peer + "  node-selectors: [{matchLabels: {a: b}}]\n",
			"-:5: peers[0].node-selectors[0].matchLabels: unknown key; did you mean \"match-labels\"?; left out\n-:5: " + everyNode},
		"a selector that is no list": {peer + "  node-selectors: {match-labels: {a: b}}\n", "-:5: peers[0].node-selectors: must be a list; peers[0] is left out\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := migrated(tc.input + pool)
			if got.ok || got.err != "" || got.remarks != tc.want || strings.Contains(got.resources, "BGPPeer") {
				t.Errorf("got %+v, want the remarks %q", got, tc.want)
			}
		})
	}
}

func TestKeysThatAreNotKnownAreNamed(t *testing.T) {
	t.Parallel()
	pool := "address-pools:\n- name: public\n  protocol: bgp\n  addresses: [198.51.100.0/24]\n"
	tests := map[string]struct{ input, want string }{
		"at the top":              {pool + "colour: red\n", "-:5: colour: unknown key; left out\n"},
		"underscores":             {pool + "bgp_communities: {a: \"1:2\"}\n", "-:5: bgp_communities: unknown key; did you mean \"bgp-communities\"?; left out\n"},
		"capitals":                {pool + "  avoidBuggyIPs: true\n", "-:5: address-pools[0].avoidBuggyIPs: unknown key; did you mean \"avoid-buggy-ips\"?; left out\n"},
		"a letter too much":       {pool + "  auto-assigns: false\n", "-:5: address-pools[0].auto-assigns: unknown key; did you mean \"auto-assign\"?; left out\n"},
		"one level too far left":  {pool + "  localpref: 100\n", "-:5: address-pools[0].localpref: is in the wrong place: it belongs to an item of bgp-advertisements; left out\n"},
		"one level too far right": {pool + "  bgp-communities: {a: \"1:2\"}\n", "-:5: address-pools[0].bgp-communities: is in the wrong place: it belongs to the top level; left out\n"},
		"misspelt and misplaced":  {pool + "aggregation-lengths: 24\n", "-:5: aggregation-lengths: unknown key; did you mean \"aggregation-length\", which belongs to an item of bgp-advertisements?; left out\n"},
		"the configuration that is empty": {
			configMap + "    # Nothing yet.\n  config.bak: |\n" + indented(4, pool), "-:8: note: MetalLB reads the configuration at -:6 (ConfigMap config, key config), which is empty\n",
		},
		"the configuration not read": {configMap + indented(4, pool) + "---\n" + strings.Replace(configMap, "name: config", "name: backup", 1) + indented(4, pool), "-:6: note: the other configuration at -:16 (ConfigMap backup, key config) is not read\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := migrated(tc.input)
			if got.remarks != tc.want || got.err != "" || !strings.Contains(got.resources, "- 198.51.100.0/24\n") {
				t.Errorf("got %+v, want remarks %q", got, tc.want)
			}
			if got.ok != strings.Contains(tc.want, "note: ") {
				t.Errorf("all carried over: %t", got.ok)
			}
		})
	}
}

func TestManyAliasesBecomeSeveralCommunities(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("bgp-communities:\n")
	for i := range 300 {
		fmt.Fprintf(&b, "  alias-%d: 1:%d\n", i, i)
	}
	got := migrated(b.String())
	findings, err := validated(got.resources)
	if !got.ok || err != nil || findings != "" || strings.Count(got.resources, "kind: Community\n") != 2 {
		t.Errorf("all carried over: %t, findings %q, %v", got.ok, findings, err)
	}
}
