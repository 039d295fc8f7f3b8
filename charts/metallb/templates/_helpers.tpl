{{/* Completes the values: one that cannot be left out and is missing is taken from files/defaults.yaml. It is missing where
somebody wrote null, or where `helm upgrade --reuse-values` has only the values of an older chart. Every template begins with it. */}}
{{- define "metallb.complete" -}}
{{- include "metallb.checkGlobal" . -}}
{{- include "metallb.fill" (dict "values" .Values "defaults" (.Files.Get "files/defaults.yaml" | fromYaml)) -}}
{{- end -}}

{{/* Adds what is missing; (dict "values" DICT "defaults" DICT). */}}
{{- define "metallb.fill" -}}
{{- range $key, $default := .defaults -}}
{{- $value := index $.values $key -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := set $.values $key $default -}}
{{- else if kindIs "map" $default -}}
{{- include "metallb.fill" (dict "values" $value "defaults" $default) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The chart's name, as labels have it. */}}
{{- define "metallb.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What the names of objects begin with. */}}
{{- define "metallb.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* By what the pods of a release are selected; (dict "root" . "component" NAME). It cannot be changed later. */}}
{{- define "metallb.selectorLabels" -}}
app.kubernetes.io/name: {{ include "metallb.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of every object. Those of the chart go before those of the user: by them objects are found. */}}
{{- define "metallb.labels" -}}
{{- $own := dict
      "app" "metallb"
      "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
      "app.kubernetes.io/name" (include "metallb.name" .)
      "app.kubernetes.io/instance" .Release.Name
      "app.kubernetes.io/version" .Chart.AppVersion
      "app.kubernetes.io/managed-by" .Release.Service
-}}
{{- mergeOverwrite (dict) (default dict .Values.commonLabels) $own | toYaml -}}
{{- end -}}

{{/* Labels of a component's objects; (dict "root" . "component" NAME). */}}
{{- define "metallb.componentLabels" -}}
{{- $own := dict "app.kubernetes.io/component" .component "component" .component -}}
{{- mergeOverwrite (include "metallb.labels" .root | fromYaml) $own | toYaml -}}
{{- end -}}

{{/* Labels of a component's pods. Versions are not among them: pods are not replaced because of another chart. */}}
{{- define "metallb.podLabels" -}}
{{- $values := index .root.Values .component -}}
{{- $own := dict "app" "metallb" "component" .component -}}
{{- $selected := include "metallb.selectorLabels" . | fromYaml -}}
{{ mergeOverwrite (dict) (default dict .root.Values.commonLabels) (default dict $values.labels) (default dict $values.podLabels) $own $selected | toYaml }}
{{- end -}}

{{/* The annotations of an object; (dict "root" . "more" DICT). */}}
{{- define "metallb.annotations" -}}
{{- with mergeOverwrite (dict) (default dict .root.Values.commonAnnotations) (default dict .more) -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Annotations of a component's pods; (dict "root" . "component" NAME). */}}
{{- define "metallb.podAnnotations" -}}
{{- $values := index .root.Values .component -}}
{{- $annotations := dict -}}
{{- with .root.Values.prometheus -}}
{{- if .scrapeAnnotations -}}
{{- $annotations = dict "prometheus.io/scrape" "true" "prometheus.io/port" (include "metallb.metricsPort" $) "prometheus.io/scheme" (ternary "https" "http" .secure) -}}
{{- end -}}
{{- end -}}
{{- with mergeOverwrite $annotations (default dict $values.podAnnotations) -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The ServiceAccount of a component; (dict "root" . "component" NAME). */}}
{{- define "metallb.serviceAccountName" -}}
{{- $account := (index .root.Values .component).serviceAccount -}}
{{- if $account.create -}}
{{- default (printf "%s-%s" (include "metallb.fullname" .root) .component) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}

{{/* Whether a component's image is one of MetalLB's own, which these flags mean nothing to; (dict "root" . "component" NAME). */}}
{{- define "metallb.foreignImage" -}}
{{- $image := (index .root.Values .component).image -}}
{{- if has (default "" $image.repository) (list (printf "quay.io/metallb/%s" .component) (printf "metallb/%s" .component) (printf "docker.io/metallb/%s" .component)) -}}
true
{{- end -}}
{{- end -}}

{{/* Refuses names under "global" that mean nothing. Where this chart is part of another one, "global" has names of the other parts too. */}}
{{- define "metallb.checkGlobal" -}}
{{- if .Chart.IsRoot -}}
{{- range $name := keys (default dict .Values.global) | sortAlpha -}}
{{- if not (has $name (list "imageRegistry" "imagePullSecrets")) -}}
{{- fail (printf "global.%s: there is no such value; global has imageRegistry and imagePullSecrets" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Secrets by which images are pulled: those of "global", as names or objects, and the chart's own. */}}
{{- define "metallb.imagePullSecrets" -}}
{{- $secrets := list -}}
{{- range concat (default list (default dict .Values.global).imagePullSecrets) (default list .Values.imagePullSecrets) -}}
{{- $secrets = append $secrets (ternary (dict "name" .) . (kindIs "string" .)) -}}
{{- end -}}
{{- with uniq $secrets -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* An image's repository in the registry of "global", if there is one; (dict "root" . "repository" NAME). */}}
{{- define "metallb.inRegistry" -}}
{{- $registry := (default dict .root.Values.global).imageRegistry -}}
{{- if $registry -}}
{{- /* What comes before the first slash is a registry if it can only be a host. */ -}}
{{- printf "%s/%s" (trimSuffix "/" $registry) (regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" .repository "") -}}
{{- else -}}
{{- .repository -}}
{{- end -}}
{{- end -}}

{{/* The image of a component; (dict "root" . "component" NAME). */}}
{{- define "metallb.image" -}}
{{- $image := (index .root.Values .component).image -}}
{{- if include "metallb.foreignImage" . -}}
{{- /* A tag or a digest of it names nothing elsewhere. */ -}}
{{- $image = dict -}}
{{- end -}}
{{- $repository := default (printf "%s%s" .root.Values.imagePrefix .component) $image.repository -}}
{{- $repository = include "metallb.inRegistry" (dict "root" .root "repository" $repository) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The Secret that a component serves metrics with; (dict "root" . "component" NAME). */}}
{{- define "metallb.metricsSecret" -}}
{{- $key := printf "%sMetricsTLSSecret" .component -}}
{{- default "" (coalesce (index .root.Values.tls $key) (index .root.Values.prometheus $key) .root.Values.tls.metricsTLSSecret) -}}
{{- end -}}

{{/* The port that a component serves metrics on; (dict "root" . "component" NAME). */}}
{{- define "metallb.metricsPort" -}}
{{- default .root.Values.prometheus.metricsPort (index .root.Values .component).metricsPort -}}
{{- end -}}

{{/* The ports of a component as {NAME: PORT}; (dict "root" . "component" NAME). The debug endpoint's is left out if the user sets it. */}}
{{- define "metallb.ports" -}}
{{- $values := index .root.Values .component -}}
{{- $ports := dict "the port of its metrics" (include "metallb.metricsPort" .) (printf "%s.healthPort" .component) (toString $values.healthPort) -}}
{{- if not (regexMatch "(?i)debug.bind.address" (toJson (list $values.extraArgs $values.extraEnv))) -}}
{{- $ports = set $ports "the port of its debug endpoint" (ternary "7475" "7474" (eq .component "controller")) -}}
{{- end -}}
{{- if and (eq .component "controller") (include "metallb.webhook" .root) -}}
{{- $ports = set $ports "controller.webhookPort" (toString $values.webhookPort) -}}
{{- end -}}
{{ toYaml $ports }}
{{- end -}}

{{/* Refuses ports that are taken twice; (dict "root" . "component" NAME). */}}
{{- define "metallb.checkPorts" -}}
{{- $ports := include "metallb.ports" . | fromYaml -}}
{{- $taken := dict -}}
{{- range $name, $port := $ports -}}
{{- if hasKey $taken $port -}}
{{- fail (printf "%s is %s, and so is %s: choose two ports" (index $taken $port) $port $name) -}}
{{- end -}}
{{- $_ := set $taken $port $name -}}
{{- end -}}
{{- if and (eq .component "controller") .root.Values.controller.hostNetwork .root.Values.speaker.enabled -}}
{{- range $port := include "metallb.ports" (dict "root" .root "component" "speaker") | fromYaml -}}
{{- if hasKey $taken $port -}}
{{- fail (printf "controller.hostNetwork: speakers take port %s of the nodes: choose other ones for controller.metricsPort, controller.healthPort and controller.webhookPort" $port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Refuses a speaker that would be killed before it has withdrawn its routes. */}}
{{- define "metallb.checkShutdown" -}}
{{- with .Values.speaker -}}
{{- $start := toDate "2006-01-02" "2000-01-01" -}}
{{- $delay := sub (dateModify (printf "+%s" .shutdownDelay) $start | unixEpoch | int64) (unixEpoch $start | int64) -}}
{{- if ge $delay (int64 .terminationGracePeriodSeconds) -}}
{{- fail (printf "speaker.terminationGracePeriodSeconds is %v, and speaker.shutdownDelay %s: a speaker needs longer than that to stop" .terminationGracePeriodSeconds .shutdownDelay) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Flags that both programs have; (dict "root" . "component" NAME). */}}
{{- define "metallb.args" -}}
{{- $values := index .root.Values .component -}}
{{- include "metallb.checkPorts" . -}}
- --metrics-bind-address=:{{ include "metallb.metricsPort" . }}
- --health-probe-bind-address={{ include "metallb.probeHost" . }}:{{ $values.healthPort }}
- --log-level={{ $values.logLevel }}
- --log-format={{ $values.logFormat }}
{{- if not .root.Values.prometheus.secure }}
- --metrics-secure=false
{{- else if include "metallb.metricsSecret" . }}
- --metrics-cert-dir=/etc/metallb/metrics
{{- end }}
{{- with .root.Values.loadBalancerClass }}
- --lb-class={{ . }}
{{- end }}
{{- end -}}

{{/* Address that probes go to where the pods have their node's network, on which nobody else needs them; (dict "root" . "component" NAME). */}}
{{- define "metallb.probeHost" -}}
{{- if or (eq .component "speaker") .root.Values.controller.hostNetwork -}}
127.0.0.1
{{- end -}}
{{- end -}}

{{/* Variables of the environment that both programs have; (dict "root" . "component" NAME). */}}
{{- define "metallb.env" -}}
- name: METALLB_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- if (default dict (default dict (index .root.Values .component).resources).limits).memory }}
# Garbage is collected in time not to reach the limit.
- name: GOMEMLIMIT
  valueFrom:
    resourceFieldRef:
      resource: limits.memory
{{- end }}
{{- end -}}

{{/* A probe; (dict "name" NAME "path" PATH "values" DICT "host" ADDRESS), which may be empty. */}}
{{- define "metallb.probe" -}}
{{- if .values.enabled -}}
{{ .name }}:
  httpGet:
    path: {{ .path }}
    port: health
    {{- with .host }}
    host: {{ . }}
    {{- end }}
  {{- with omit .values "enabled" }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What pods of both components have; (dict "root" . "component" NAME). */}}
{{- define "metallb.pod" -}}
{{- $values := index .root.Values .component -}}
serviceAccountName: {{ include "metallb.serviceAccountName" . | quote }}
# What Kubernetes tells of the namespace's Services would look like settings.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
{{- with include "metallb.imagePullSecrets" .root }}
{{ . }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
nodeSelector:
  {{- mergeOverwrite (dict "kubernetes.io/os" "linux") (default dict $values.nodeSelector) | toYaml | nindent 2 }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Volumes of both components, (dict "root" . "component" NAME). */}}
{{- define "metallb.volumes" -}}
{{- $values := index .root.Values .component -}}
{{- $volumes := list -}}
{{- if eq .component "controller" -}}
{{- $volumes = append $volumes (dict "name" "tmp" "emptyDir" (dict "sizeLimit" "1Mi")) -}}
{{- end -}}
{{- $secret := include "metallb.metricsSecret" . -}}
{{- if and $secret .root.Values.prometheus.secure -}}
{{- $volumes = append $volumes (dict "name" "metrics" "secret" (dict "secretName" $secret)) -}}
{{- end -}}
{{- with concat $volumes (default list $values.extraVolumes) -}}
volumes:
{{ toYaml . }}
{{- end -}}
{{- end -}}

{{/* Where they are mounted. */}}
{{- define "metallb.volumeMounts" -}}
{{- $values := index .root.Values .component -}}
{{- $mounts := list -}}
{{- if eq .component "controller" -}}
{{- $mounts = append $mounts (dict "name" "tmp" "mountPath" "/tmp") -}}
{{- end -}}
{{- if and (include "metallb.metricsSecret" .) .root.Values.prometheus.secure -}}
{{- $mounts = append $mounts (dict "name" "metrics" "mountPath" "/etc/metallb/metrics" "readOnly" true) -}}
{{- end -}}
{{- with concat $mounts (default list $values.extraVolumeMounts) -}}
volumeMounts:
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Whether API servers ask this release's webhook. */}}
{{- define "metallb.webhook" -}}
{{- if and .Values.controller.enabled (ne .Values.controller.webhookMode "disabled") -}}
true
{{- end -}}
{{- end -}}

{{/* The name of the ValidatingWebhookConfiguration, which is not in a namespace: each release needs its own. */}}
{{- define "metallb.webhookConfiguration" -}}
{{- printf "%s-webhook-configuration" (include "metallb.fullname" .) -}}
{{- end -}}

{{/* How replicas of the controller are replaced. A single one goes when the next one answers, unless both would need the same ports of a node. */}}
{{- define "metallb.controllerStrategy" -}}
{{- $strategy := .Values.controller.strategy -}}
{{- if ne $strategy.type "RollingUpdate" -}}
{{- $strategy = omit $strategy "rollingUpdate" -}}
{{- else if and (eq (int .Values.controller.replicas) 1) (not .Values.controller.hostNetwork) -}}
{{- $strategy = dict "type" "RollingUpdate" "rollingUpdate" (dict "maxUnavailable" 0 "maxSurge" 1) -}}
{{- end -}}
{{ toYaml $strategy }}
{{- end -}}

{{/* The documents of a file as {"items": [...]}; (dict "root" . "file" NAME). */}}
{{- define "metallb.documents" -}}
{{- $items := list -}}
{{- range regexSplit "(?m)^---\\s*$" (.root.Files.Get .file) -1 -}}
{{- $document := fromYaml . -}}
{{- if $document -}}
{{- $items = append $items $document -}}
{{- end -}}
{{- end -}}
{{ dict "items" $items | toYaml }}
{{- end -}}

{{/* How a monitor gets metrics; (dict "root" . "values" MONITOR "tls" DICT). */}}
{{- define "metallb.endpoint" -}}
port: metrics
# The label service is that of a metric, too.
honorLabels: true
{{- if .root.Values.prometheus.secure }}
scheme: https
{{- toYaml .token | nindent 0 }}
tlsConfig:
  {{- toYaml .tls | nindent 2 }}
{{- end }}
{{- with .values.interval }}
interval: {{ . }}{{ if regexMatch "^[0-9]+$" (toString .) }}s{{ end }}
{{- end }}
{{- with .values.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* An alert's expression without some pools; (dict "expression" STRING "excludePools" REGEXP). */}}
{{- define "metallb.expression" -}}
{{- if .excludePools -}}
{{- $filter := printf "${0}{pool!~%s}" (quote .excludePools | replace "$" "$$") -}}
{{- regexReplaceAll "metallb_allocator_ipv[46]_addresses(_in_use)?_total" .expression $filter -}}
{{- else -}}
{{- .expression -}}
{{- end -}}
{{- end -}}
