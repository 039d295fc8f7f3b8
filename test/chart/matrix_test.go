// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"encoding/json"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/envtest"
)

// matrix are values that people set, beside those of the files in testdata.
func matrix() map[string]string {
	return map[string]string{
		"nothing":                    "",
		"names of its own":           "{nameOverride: lb, fullnameOverride: the-lb, commonLabels: {team: net}, commonAnnotations: {note: x}}",
		"numbers for names":          `{fullnameOverride: "123", commonLabels: {team: "1"}, commonAnnotations: {note: "true"}}`,
		"a word of YAML for a name":  `{nameOverride: "on", prometheus: {serviceAccount: "1", namespace: "2", podMonitor: {enabled: true, jobLabel: "3", interval: "30"}}}`,
		"one account for both":       "{controller: {serviceAccount: {name: lb}}, speaker: {serviceAccount: {name: lb}}}",
		"limits of nothing":          "{controller: {resources: {limits: null}}, speaker: {resources: null}}",
		"a class":                    "{loadBalancerClass: example.com/lb}",
		"images of its own":          "{imagePrefix: registry.example.com/lb/, imagePullSecrets: [{name: registry}], speaker: {image: {repository: registry.example.com/s, tag: v1, pullPolicy: Always}}}",
		"an image by its digest":     "{controller: {image: {digest: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'}}}",
		"no rights":                  "{rbac: {create: false}}",
		"accounts of others":         "{controller: {serviceAccount: {create: false, name: mine}}, speaker: {serviceAccount: {create: false}}}",
		"accounts with annotations":  "{controller: {serviceAccount: {name: mine, annotations: {a: b}}}, commonAnnotations: {c: d}}",
		"one replica":                "{controller: {replicas: 1, strategy: {type: Recreate}, podDisruptionBudget: {enabled: false}, topologySpreadConstraints: []}}",
		"three replicas":             "{controller: {replicas: 3, podDisruptionBudget: {minAvailable: 50%}, strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}, topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}, {maxSkew: 2, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway}]}}",
		"no webhook":                 "{controller: {webhookMode: disabled}}",
		"only the webhook":           "{controller: {webhookMode: onlywebhook}, speaker: {enabled: false}}",
		"only speakers":              "{controller: {enabled: false}}",
		"a webhook that may be away": "{crds: {validationFailurePolicy: Ignore}}",
		"an authority of its own":    "{certManager: {enabled: true}}",
		"an authority of others":     "{certManager: {enabled: true, issuerRef: {kind: ClusterIssuer, name: internal}}}",
		"only the webhook, with a certificate of others": "{certManager: {enabled: true}, controller: {webhookMode: onlywebhook}}",
		"CRDs of others":            "{crds: {enabled: false}}",
		"CRDs that go":              "{crds: {keep: false}}",
		"the node's network":        "{controller: {hostNetwork: true, webhookPort: 19443, healthPort: 17473, metricsPort: 17472}, speaker: {healthPort: 17474}, prometheus: {metricsPort: 17475}}",
		"network policies":          "{networkpolicies: {enabled: true, defaultDeny: true, apiPort: 443}}",
		"a network policy":          "{networkpolicies: {enabled: true}, controller: {webhookMode: disabled}}",
		"metrics to everybody":      "{prometheus: {secure: false, scrapeAnnotations: true, podMonitor: {enabled: true}, rbacPrometheus: false}}",
		"a token of others":         "{prometheus: {podMonitor: {enabled: true, tokenSecret: {name: prometheus, key: t}}, rbacPrometheus: false}}",
		"metrics with certificates": "{prometheus: {scrapeAnnotations: true}, tls: {controllerMetricsTLSSecret: a, speakerMetricsTLSSecret: b}}",
		"monitors of pods":          "{prometheus: {serviceAccount: prometheus, namespace: monitoring, podMonitor: {enabled: true, interval: 30s, additionalLabels: {release: p}, annotations: {a: b}, metricRelabelings: [{action: keep}], relabelings: [{action: keep}]}}}",
		"monitors of services":      "{prometheus: {serviceAccount: prometheus, namespace: monitoring, serviceMonitor: {enabled: true, interval: 15, speaker: {tlsConfig: {caFile: /ca}}}}}",
		"alerts and dashboard":      "{prometheus: {prometheusRule: {enabled: true, extraAlerts: [{alert: A, expr: up}], addressPoolUsage: {thresholds: [{percent: 50}], excludePools: '^a$|b'}, bgpSessionDown: {enabled: false}}, dashboard: {enabled: true, annotations: {folder: net}}}}",
		"nodes and priorities": "{controller: {nodeSelector: {a: b}, tolerations: [{operator: Exists}], affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}, priorityClassName: '', runtimeClassName: gvisor}," +
			" speaker: {nodeSelector: {a: b}, tolerateMaster: false, tolerations: [{operator: Exists}], priorityClassName: '', runtimeClassName: gvisor, updateStrategy: {type: OnDelete}}}",
		"many speakers at once": "{speaker: {updateStrategy: {rollingUpdate: {maxUnavailable: 10%}}, minReadySeconds: 30, shutdownDelay: 2.5s, terminationGracePeriodSeconds: 30}}",
		"probes":                "{controller: {livenessProbe: {enabled: false}, readinessProbe: {initialDelaySeconds: 1}}, speaker: {livenessProbe: {terminationGracePeriodSeconds: 5}, readinessProbe: {enabled: false}, startupProbe: {enabled: true}}}",
		"labels of pods":        "{controller: {labels: {a: b}, podLabels: {c: d}, podAnnotations: {e: f}}, speaker: {labels: {a: b}, podLabels: {c: d}, podAnnotations: {e: f}}}",
		"more of everything": "{controller: {extraArgs: [--debug-bind-address=0], extraEnv: [{name: A, value: b}], extraVolumes: [{name: v, emptyDir: {}}], extraVolumeMounts: [{name: v, mountPath: /v}], extraContainers: [{name: c, image: i}], logLevel: debug, logFormat: console}," +
			" speaker: {extraArgs: [--debug-bind-address=0], extraEnv: [{name: A, value: b}], extraVolumes: [{name: v, emptyDir: {}}], extraVolumeMounts: [{name: v, mountPath: /v}], extraContainers: [{name: c, image: i}], logLevel: none, logFormat: console}}",
		"nothing that there is by default": "{commonLabels: null, commonAnnotations: null, imagePullSecrets: null, controller: {resources: null, nodeSelector: null, tolerations: null, labels: null, podLabels: null, podAnnotations: null, affinity: null, securityContext: null, containerSecurityContext: null, topologySpreadConstraints: null, extraArgs: null, extraVolumes: null, extraVolumeMounts: null, image: {tag: null, pullPolicy: null}, podDisruptionBudget: {minAvailable: null}}," +
			" speaker: {resources: null, nodeSelector: null, tolerations: null, labels: null, podLabels: null, podAnnotations: null, securityContext: null, extraVolumes: null}, prometheus: {prometheusRule: {enabled: true, extraAlerts: null, additionalLabels: null}}}",
		"what services have of BGP":                 "{speaker: {serviceBGPStatus: true}}",
		"unnumbered peers":                          "{speaker: {unnumbered: true}}",
		"unnumbered peers, without another context": "{speaker: {unnumbered: true, containerSecurityContext: null}}",
		"limits":                    "{controller: {resources: {limits: {memory: 256Mi}}}, speaker: {resources: {limits: {memory: 128Mi, cpu: 1}}}}",
		"a service proxy elsewhere": "{speaker: {nodeHealthzURL: 'http://[::1]:9099/healthz'}}",
		"a service proxy unasked":   "{speaker: {nodeHealthzURL: ''}}",
		"drains":                    "{speaker: {proxyTimeout: '0', drainDelay: 1m, drainTaints: [example.com/maintenance, a], drainUnschedulable: true}}",
		"drains without taints":     "{speaker: {drainTaints: []}}",
		"no test":                   "{tests: {enabled: false}}",
		"part of a chart":           "{global: {imageRegistry: example.com}}",
	}
}

func TestAnAPIServerTakesWhatTheChartRenders(t *testing.T) {
	t.Parallel()
	s := withOperators(t)
	files := map[string]string{}
	for name, values := range matrix() {
		files[name] = file(t, "values.yaml", values)
	}
	others, err := filepath.Glob("testdata/metallb-*.yaml")
	if err != nil || len(others) == 0 {
		t.Fatalf("values files of MetalLB: %v, %v", others, err)
	}
	for _, path := range others {
		files[path] = path
	}
	taken := &sync.Map{}
	for name, values := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := helm(t, "lint", "--strict", filepath.Join(root, Directory), "--kube-version", kubeVersion, "--values", values); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			rendered, err := template(t, "--values", values)
			if err != nil {
				t.Fatal(err)
			}
			if len(rendered) < 5 {
				t.Errorf("there are only %d objects", len(rendered))
			}
			for _, object := range rendered {
				dryRun(t, s.Client, object, taken)
			}
		})
	}
}

// dryRun fails the test unless the API server would take the object, and knows all of its fields. It is not asked twice about
// the same.
func dryRun(t *testing.T, c client.Client, object *unstructured.Unstructured, taken *sync.Map) {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := taken.LoadOrStore(string(text), true); known {
		return
	}
	err = c.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), client.DryRunAll, client.FieldOwner("helm"), client.ForceOwnership)
	if err != nil {
		t.Errorf("%s %s: %v", object.GetKind(), object.GetName(), err)
	}
	if namespace := object.GetNamespace(); namespace != "" && namespace != envtest.Namespace {
		t.Errorf("%s %s is in namespace %s", object.GetKind(), object.GetName(), namespace)
	}
}
