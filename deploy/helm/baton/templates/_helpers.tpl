{{- define "baton.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "baton.fullname" -}}
{{- $name := include "baton.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "baton.selectorLabels" -}}
app.kubernetes.io/name: {{ include "baton.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "baton.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "baton.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Baton's configuration with the certificates of the Secret. What the operator wrote comes first. */}}
{{- define "baton.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if and .Values.tls.secretName (eq .Values.mode "gateway") }}
{{- $pair := dict "cert_file" "/etc/baton-tls/tls.crt" "key_file" "/etc/baton-tls/tls.key" }}
{{- $door := deepCopy $pair }}
{{- if .Values.tls.clientCa }}
{{- $door = set $door "client_ca_file" "/etc/baton-tls/ca.crt" }}
{{- end }}
{{- $added := dict "receivers" (dict "otlp" (dict "grpc" (dict "tls" $door) "http" (dict "tls" (deepCopy $door)))) }}
{{- if .Values.tls.server }}
{{- $added = set $added "server" (dict "tls" $pair) }}
{{- end }}
{{- $config = merge $config $added }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* The rules and boards of the chart are made for one currency. Metrics of another one would match none of them, without a word. */}}
{{- define "baton.checkCurrency" -}}
{{- $currency := dig "money" "currency" "USD" .Values.config }}
{{- if not (contains (printf "_%s_" (lower $currency)) (.Files.Get "files/rules/recording.yaml")) }}
{{- fail (printf "config.money.currency is %s, and the rules and boards are for another currency: set `currency: %s` in deploy/values.yaml and run deploy/grafana/build.py" $currency $currency) }}
{{- end }}
{{- end }}

{{/* A board that selects by a label which no metric has would show nothing, without a word. */}}
{{- define "baton.checkCohorts" -}}
{{- $dimensions := dig "cohorts" "dimensions" (list "tier" "intent" "channel" "tenant") .Values.config }}
{{- range (.Files.Get "files/dashboards/executive.json" | fromJson).templating.list }}
{{- if and (eq .type "query") (ne .name "workflow") (not (has .name $dimensions)) }}
{{- fail (printf "the boards select by %s, which is not in config.cohorts.dimensions: set `cohorts` in deploy/values.yaml and run deploy/grafana/build.py" .name) }}
{{- end }}
{{- end }}
{{- end }}
