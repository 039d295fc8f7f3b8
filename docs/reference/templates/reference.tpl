{{- /* What crd-ref-docs makes docs/api-reference.md with: one section for each kind, with the fields of its spec and its
status in place, and the types that several fields or kinds have at the end. */ -}}
{{- define "gvList" -}}
<!-- Made from the Go types in api/ by `make reference`. Do not edit. -->
# API reference

Every field of every kind, as the API server has it; `kubectl explain` tells the same. [Configuration](configuration.md) has examples, the
annotations of services and the conditions. All kinds are namespaced and belong into the namespace of the load balancer, `metallb-system`
unless it is installed elsewhere.

| kind | apiVersion | what it is |
|---|---|---|
{{- range $gv := . }}{{ range $gv.SortedKinds }}{{ $type := $gv.TypeForKind . }}
| [{{ . }}](#{{ lower . }}) | `{{ $gv.GroupVersionString }}` | {{ template "line" $type.Doc }} |
{{- end }}{{ end }}
{{ range $gv := . }}{{ range $gv.SortedKinds }}{{ template "kind" ($gv.TypeForKind .) }}{{ end }}{{ end }}
## Types
{{ range $gv := . }}{{ range $gv.SortedTypes }}{{ template "other" . }}{{ end }}{{ end -}}
{{- end -}}

{{- define "gvDetails" -}}{{- end -}}

{{- define "kind" }}
## {{ .Name }}

{{ template "line" .Doc }}

`apiVersion: {{ .GVK.Group }}/{{ .GVK.Version }}`, `kind: {{ .GVK.Kind }}`
{{ $kind := .Name }}{{ range .Members }}{{ if or (eq .Name "spec") (eq .Name "status") }}
### {{ $kind }} {{ .Name }}
{{ with regexReplaceAll "^\\w+ is the (desired|observed) state of an? \\w+\\.\\s*" .Type.Doc "" }}
{{ template "line" . }}
{{ end }}{{ template "fields" .Type }}{{ end }}{{ end }}
{{- end -}}

{{- define "other" -}}
{{- if and (not .GVK) .References (not (regexMatch "(Spec|Status)$" .Name)) }}
### {{ .Name }}

{{ template "line" .Doc }}
{{ if .Members }}{{ template "fields" . }}{{ end }}
{{- if .EnumValues }}
| value | meaning |
|---|---|
{{- range .EnumValues }}
| `{{ .Name }}` | {{ template "cell" (trim (regexReplaceAll "^[A-Z]\\w*[A-Z]\\w* (says that )?" .Doc "")) }} |
{{- end }}
{{ end }}
{{- end -}}
{{- end -}}

{{- define "fields" }}
| field | type | default | limits | meaning |
|---|---|---|---|---|
{{- range .Members }}
| `{{ .Name }}` | {{ template "type" .Type }} | {{ with .Default }}`{{ . }}`{{ end }} | {{ template "limits" . }} | {{ template "cell" (regexReplaceAllLiteral "^[A-Z][A-Za-z0-9]*[A-Z][A-Za-z0-9]*\\b" .Doc (printf "`%s`" .Name)) }} |
{{- end }}
{{ with index .Markers "kubebuilder:validation:XValidation" }}
These rules between fields refuse an object, in these words:
{{ range . }}
- `{{ .FieldPath | trimPrefix "." }}`: {{ template "line" .Message }}
{{- end }}
{{ end }}
{{- end -}}

{{- define "type" -}}
{{- $text := markdownRenderType . -}}
{{- if regexMatch "^\\[(Duration|Time)\\]" $text -}}string ({{ if contains "[Time]" $text }}RFC 3339{{ else }}duration{{ end }})
{{- else -}}{{- if hasSuffix " array" $text }}array of {{ trimSuffix " array" $text }}{{ else }}{{ $text }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "limits" -}}
{{- $limits := list -}}
{{- $numbers := dict -}}
{{- if and (not (index .Markers "optional")) (not .Default) }}{{ $limits = append $limits "required" }}{{ end -}}
{{- range .Validation -}}
{{- if regexMatch "^(items:)?M(in|ax)(imum|Items|Length): " . -}}
{{- $parts := splitn ": " 2 . }}{{ $_ := set $numbers $parts._0 (printf "%.0f" (float64 $parts._1)) -}}
{{- end -}}
{{- if hasPrefix "Enum: " . }}{{ $limits = append $limits (. | trimPrefix "Enum: [" | trimSuffix "]" | replace " " ", ") }}{{ end -}}
{{- end -}}
{{- with get $numbers "Minimum" }}{{ $limits = append $limits (printf "%s to %s" . (get $numbers "Maximum" | default "…")) }}{{ end -}}
{{- with get $numbers "MinItems" }}{{ $limits = append $limits (printf "%s or more" .) }}{{ end -}}
{{- with get $numbers "MaxItems" }}{{ $limits = append $limits (printf "%s at most" .) }}{{ end -}}
{{- with get $numbers "MaxLength" }}{{ $limits = append $limits (printf "%s characters at most" .) }}{{ end -}}
{{- with get $numbers "items:MaxLength" }}{{ $limits = append $limits (printf "%s characters each at most" .) }}{{ end -}}
{{- join ", " $limits -}}
{{- end -}}

{{- define "cell" }}{{ . | replace "\n" " " | replace "|" "\\|" }}{{ end -}}
{{- define "line" }}{{ . | replace "\n\n" "\x00" | replace "\n" " " | replace "\x00" "\n\n" }}{{ end -}}
