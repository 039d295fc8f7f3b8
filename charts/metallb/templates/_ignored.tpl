{{/* Values of MetalLB's chart that have no effect here, as {"items": [{"path": ..., "why": ...}]}: those that are set. */}}
{{- define "metallb.ignored" -}}
{{- $frr := "there is no FRR: the speaker speaks BGP itself" -}}
{{- $layer2 := "there is no layer 2 mode, so speakers do not need to know each other or the interfaces" -}}
{{- $tls := "metrics and webhook use TLS 1.2 or later, with the ciphers and curves that Go regards as secure" -}}
{{- $config := "the configuration consists of custom resources; `kubectl metallb migrate` converts a ConfigMap into them" -}}
{{- $entry := "the image starts the program" -}}
{{- $proxy := "the programs serve metrics over HTTPS themselves; see prometheus.secure and prometheus.metricsPort" -}}
{{- $reasons := dict
      "frrk8s" $frr "frr-k8s" $frr "speaker.frr" $frr "speaker.frrMetrics" $frr "speaker.reloader" $frr
      "speaker.initContainers" $frr "speaker.bgpDebounceTimeout" $frr
      "speaker.memberlist" $layer2 "speaker.secretName" $layer2 "speaker.secretKey" $layer2 "speaker.excludeInterfaces" $layer2
      "speaker.ignoreExcludeLB" "nodes labelled node.kubernetes.io/exclude-from-external-load-balancers never announce anything"
      "controller.command" $entry "speaker.command" $entry
      "tls.cipherSuites" $tls "tls.curvePreferences" $tls "tls.minVersion" $tls
      "controller.tlsMinVersion" $tls "controller.tlsCipherSuites" $tls "speaker.tlsMinVersion" $tls "speaker.tlsCipherSuites" $tls
      "prometheus.rbacProxy" $proxy "prometheus.secureMetricsPort" $proxy
      "prometheus.podMonitor.additionalMonitors" "it had no effect in MetalLB's chart either" "prometheus.prometheusRule.additionalMonitors" "it had no effect in MetalLB's chart either"
      "psp" "Kubernetes no longer has PodSecurityPolicies"
      "configInline" $config "configInLine" $config "existingConfigMap" $config
-}}
{{- $items := list -}}
{{- range $path := keys $reasons | sortAlpha -}}
{{- $parts := splitList "." $path -}}
{{- $at := $.Values -}}
{{- $found := true -}}
{{- range $parts -}}
{{- if and $found (kindIs "map" $at) (hasKey $at .) -}}
{{- $at = index $at . -}}
{{- else -}}
{{- $found = false -}}
{{- end -}}
{{- end -}}
{{- if $found -}}
{{- $items = append $items (dict "path" $path "why" (index $reasons $path)) -}}
{{- end -}}
{{- end -}}
{{- range $component := list "controller" "speaker" -}}
{{- if include "metallb.foreignImage" (dict "root" $ "component" $component) -}}
{{- $items = append $items (dict "path" (printf "%s.image" $component) "why" (printf "this is MetalLB's own image, so %s is used instead" (include "metallb.image" (dict "root" $ "component" $component)))) -}}
{{- end -}}
{{- end -}}
{{ dict "items" $items | toYaml }}
{{- end -}}
