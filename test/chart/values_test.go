// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/test/envtest"
)

func TestWrongValuesAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ values, want string }{
		"misspelt at the top":            {"controler.replicas=3", "at '': additional properties 'controler' not allowed"},
		"misspelt":                       {"controller.replica=3", "at '/controller': additional properties 'replica' not allowed"},
		"misspelt deep inside":           {"prometheus.prometheusRule.staleConfig.label.a=b", "at '/prometheus/prometheusRule/staleConfig': additional properties 'label' not allowed"},
		"misspelt resources":             {"speaker.resources.limit.cpu=1", "at '/speaker/resources': additional properties 'limit' not allowed"},
		"the controller's for speaker":   {"speaker.replicas=3", "at '/speaker': additional properties 'replicas' not allowed"},
		"an unknown level":               {"controller.logLevel=loud", "at '/controller/logLevel': value must be one of 'all', 'debug', 'info', 'warn', 'error', 'none'"},
		"an unknown mode":                {"controller.webhookMode=off", "at '/controller/webhookMode': value must be one of 'enabled', 'disabled', 'onlywebhook'"},
		"no number":                      {"controller.replicas=many", "at '/controller/replicas': got string, want integer"},
		"no speaker that may leave":      {"speaker.updateStrategy.rollingUpdate.maxUnavailable=0", "at '/speaker/updateStrategy/rollingUpdate/maxUnavailable': minimum: got 0, want 1"},
		"alive only after two successes": {"speaker.livenessProbe.successThreshold=2", "at '/speaker/livenessProbe/successThreshold': value must be 1"},
		"a period after unreadiness":     {"speaker.readinessProbe.terminationGracePeriodSeconds=5", "at '/speaker/readinessProbe': additional properties 'terminationGracePeriodSeconds' not allowed"},
		"a surge of speakers":            {"speaker.updateStrategy.rollingUpdate.maxSurge=1", "at '/speaker/updateStrategy/rollingUpdate/maxSurge': value must be one of 0, '0%'"},
		"no time":                        {"speaker.shutdownDelay=3", "at '/speaker/shutdownDelay': got number, want string"},
		"no time to drain":               {"speaker.drainDelay=3", "at '/speaker/drainDelay': got number, want string"},
		"a taint with an effect":         {"speaker.drainTaints={a:NoSchedule}", "at '/speaker/drainTaints/0': 'a:NoSchedule' does not match pattern"},
		"a proxy without a scheme":       {"speaker.nodeHealthzURL=127.0.0.1:10256", "at '/speaker/nodeHealthzURL': '127.0.0.1:10256' does not match pattern"},
		"one port twice":                 {"prometheus.metricsPort=7473", "speaker.healthPort is 7473, and so is the port of its metrics: choose two ports"},
		"the webhook's port twice":       {"controller.healthPort=9443", "controller.healthPort is 9443, and so is controller.webhookPort: choose two ports"},
		"the debug endpoint's port":      {"speaker.healthPort=7474", "speaker.healthPort is 7474, and so is the port of its debug endpoint: choose two ports"},
		"a debug port of the other":      {"controller.hostNetwork=true,controller.metricsPort=17472,controller.healthPort=7474", "controller.hostNetwork: speakers take port"},
		"too little time to stop":        {"speaker.shutdownDelay=1m10s", "speaker.terminationGracePeriodSeconds is 10, and speaker.shutdownDelay 1m10s: a speaker needs longer than that to stop"},
		"a name that is none":            {"fullnameOverride=The_LB", "at '/fullnameOverride': 'The_LB' does not match pattern"},
		"a class that is none":           {"loadBalancerClass=a class", "at '/loadBalancerClass': 'a class' does not match pattern"},
		"a port of the speakers":         {"controller.hostNetwork=true,controller.metricsPort=17472", "controller.hostNetwork: speakers take port 7473 of the nodes: choose other ones"},
		"an unknown name for all charts": {"global.imageRegistri=example.com", "global.imageRegistri: there is no such value; global has imageRegistry and imagePullSecrets"},
		"a secret of the wrong kind":     {"global.imagePullSecrets[0]=1", "at '/global/imagePullSecrets/0': got number, want string"},
		"replicas that all must stay":    {"controller.podDisruptionBudget.minAvailable=2", "controller.podDisruptionBudget.minAvailable is 2, and controller.replicas 2: no node with a replica could be drained"},
		"a part that all must stay":      {"controller.podDisruptionBudget.minAvailable=51%", "controller.podDisruptionBudget.minAvailable is 51%, and controller.replicas 2: no node with a replica could be drained"},
		"no replica that may leave":      {"controller.podDisruptionBudget.maxUnavailable=0", "controller.podDisruptionBudget.maxUnavailable is 0: no node with a replica could be drained"},
		"less time to stop than it asks": {"controller.terminationGracePeriodSeconds=2", "at '/controller/terminationGracePeriodSeconds': minimum: got 2, want 3"},
		"an interval that is none":       {"prometheus.serviceMonitor.interval=1m30", "at '/prometheus/serviceMonitor/interval': '1m30' does not match pattern"},
		"an issuer without a name":       {"certManager.issuerRef.kind=ClusterIssuer", "at '/certManager/issuerRef': missing property 'name'"},
		"a scope that is none":           {"crds.validationNamespaces=some", "at '/crds/validationNamespaces': value must be one of 'all', 'release'"},
		"both monitors":                  {"prometheus.podMonitor.enabled=true,prometheus.serviceMonitor.enabled=true", "choose one of them"},
		"a monitor of nobody":            {"prometheus.podMonitor.enabled=true", "prometheus.serviceAccount: with a monitor and prometheus.rbacPrometheus, name the ServiceAccount of Prometheus"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := template(t, "--set", tc.values); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}

func TestTheNotesNameWhatMeansNothingHere(t *testing.T) {
	t.Parallel()
	s := withOperators(t)
	tests := map[string]struct {
		values string
		want   []string
	}{
		"nothing of the defaults": {},
		"of MetalLB's chart 0.13": {values: "testdata/metallb-0.13.yaml", want: []string{
			"configInline", "existingConfigMap", "prometheus.rbacProxy", "prometheus.secureMetricsPort", "psp", "speaker.frr", "speaker.frrMetrics",
			"speaker.memberlist", "speaker.reloader", "speaker.secretName", "controller.image", "speaker.image",
		}},
		"of MetalLB's later charts": {values: "testdata/metallb-0.15.yaml", want: []string{
			"controller.command", "controller.tlsCipherSuites", "controller.tlsMinVersion", "frr-k8s", "frrk8s", "speaker.bgpDebounceTimeout",
			"speaker.command", "speaker.excludeInterfaces", "speaker.frr", "speaker.frrMetrics", "speaker.ignoreExcludeLB", "speaker.initContainers",
			"speaker.memberlist", "speaker.reloader", "tls.cipherSuites", "tls.curvePreferences", "tls.minVersion", "controller.image", "speaker.image",
		}},
	}
	line := regexp.MustCompile(`(?m)^  ([\w.-]+): .+$`)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := tc.values
			if values == "" {
				values = file(t, "none.yaml", "")
			}
			out, err := helm(t, "install", "metallb", filepath.Join(root, Directory), "--kubeconfig", s.Kubeconfig(t), "--namespace", envtest.Namespace,
				"--dry-run=client", "--values", values, "--set", "crds.enabled=false")
			if err != nil {
				t.Fatal(err)
			}
			_, notes, _ := strings.Cut(out, "NOTES:\n")
			var got []string
			for _, match := range line.FindAllStringSubmatch(notes, -1) {
				got = append(got, match[1])
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("values (-want +got):\n%s\n%s", diff, notes)
			}
		})
	}
}

func TestImagesOfMetalLBAreReplacedByOnesThatUnderstandTheFlags(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0", 64)
	tests := map[string]string{
		"by their tags":    "testdata/metallb-0.15.yaml",
		"by their digests": file(t, "values.yaml", "{controller: {image: {repository: quay.io/metallb/controller, digest: '"+digest+"'}}, speaker: {image: {repository: metallb/speaker, digest: '"+digest+"'}}}"),
	}
	for name, values := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rendered, err := template(t, "--values", values)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(rendered)
			if err != nil {
				t.Fatal(err)
			}
			got := regexp.MustCompile(`"image":"[^"]*"`).FindAllString(string(text), -1)
			slices.Sort(got)
			want := []string{`"image":"localhost/metallb-controller:dev"`, `"image":"localhost/metallb-speaker:dev"`}
			if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
		})
	}
}

// The schema has names for what is accepted and means nothing; everything else that it names must be there with a default and a
// description, and the other way round.
func TestTheSchemaAndTheValuesHaveTheSameNames(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, Directory, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var inSchema valueSchema
	if err := json.Unmarshal(text, &inSchema); err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(filepath.Join(root, Directory, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	unlisted := []string{
		"/tls/metricsTLSSecret", "/prometheus/controllerMetricsTLSSecret", "/prometheus/speakerMetricsTLSSecret", // other names
		"/prometheus/prometheusRule/bgpSessionDown/excludePools", "/prometheus/prometheusRule/configNotLoaded/excludePools",
		"/prometheus/prometheusRule/staleConfig/excludePools", "/prometheus/prometheusRule/changeHeld/excludePools",
		"/prometheus/prometheusRule/peerDown/excludePools", "/prometheus/prometheusRule/servicesPending/excludePools", // no pools
		"/controller/strategy/rollingUpdate/maxSurge", "/speaker/updateStrategy/rollingUpdate/maxSurge", // Kubernetes' own default
	}
	for _, path := range slices.Sorted(slices.Values(inSchema.missing("", values, inSchema.Definitions))) {
		if !slices.Contains(unlisted, path) {
			t.Errorf("the schema names %s, and values.yaml does not", path)
		}
	}
}

// missing returns the paths that the schema names and the values do not have. What a described value consists of may be left out.
func (n valueSchema) missing(path string, values map[string]any, definitions map[string]valueSchema) []string {
	var found []string
	for name, inner := range n.Properties {
		value, ok := values[name]
		if reference := strings.TrimPrefix(inner.Ref, "#/definitions/"); reference != "" {
			if reference == "ignored" || slices.Contains([]string{"probe", "readinessProbe", "resources"}, reference) && ok {
				continue
			}
			inner = definitions[reference]
		}
		if !ok {
			found = append(found, path+"/"+name)
			continue
		}
		if nested, ok := value.(map[string]any); ok && len(nested) > 0 {
			found = append(found, inner.missing(path+"/"+name, nested, definitions)...)
		}
	}
	return found
}
