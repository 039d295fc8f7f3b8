{{/* What MetalLB's chart has and what means nothing here, as {"items": [{"path": ..., "why": ...}]}: those that are set. */}}
{{- define "metallb.ignored" -}}
{{- $frr := "there is no FRR: the speaker speaks BGP itself" -}}
{{- $layer2 := "there is no layer 2 mode: speakers need not know each other, nor interfaces" -}}
{{- $tls := "metrics and webhook take TLS 1.2 and later, with what Go takes for secure" -}}
{{- $config := "the configuration is objects; `controller migrate` makes them of a ConfigMap" -}}
{{- $entry := "the image starts the program" -}}
{{- $proxy := "the programs serve metrics over HTTPS themselves: see prometheus.secure and prometheus.metricsPort" -}}
{{- $reasons := dict
      "frrk8s" $frr "frr-k8s" $frr "speaker.frr" $frr "speaker.frrMetrics" $frr "speaker.reloader" $frr
      "speaker.initContainers" $frr "speaker.bgpDebounceTimeout" $frr
      "speaker.memberlist" $layer2 "speaker.secretName" $layer2 "speaker.secretKey" $layer2 "speaker.excludeInterfaces" $layer2
      "speaker.ignoreExcludeLB" "nodes labelled node.kubernetes.io/exclude-from-external-load-balancers announce nothing, always"
      "controller.command" $entry "speaker.command" $entry
      "tls.cipherSuites" $tls "tls.curvePreferences" $tls "tls.minVersion" $tls
      "controller.tlsMinVersion" $tls "controller.tlsCipherSuites" $tls "speaker.tlsMinVersion" $tls "speaker.tlsCipherSuites" $tls
      "prometheus.rbacProxy" $proxy "prometheus.secureMetricsPort" $proxy
      "prometheus.podMonitor.additionalMonitors" "it never did anything" "prometheus.prometheusRule.additionalMonitors" "it never did anything"
      "psp" "Kubernetes has no PodSecurityPolicies any more"
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
{{- $items = append $items (dict "path" (printf "%s.image" $component) "why" (printf "that image is of another program, so %s is used" (include "metallb.image" (dict "root" $ "component" $component)))) -}}
{{- end -}}
{{- end -}}
{{ dict "items" $items | toYaml }}
{{- end -}}
