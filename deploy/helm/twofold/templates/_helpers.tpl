{{/* What every object of the release is called by, and found by. */}}
{{- define "twofold.labels" -}}
app.kubernetes.io/name: twofold
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* The labels of one service's pods: (dict "root" $ "name" "relay"). They never change. */}}
{{- define "twofold.selector" -}}
app.kubernetes.io/name: twofold
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "twofold.name" -}}
{{ printf "%s-%s" .root.Release.Name .name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "twofold.secret" -}}
{{- if .Values.existingSecret }}{{ .Values.existingSecret }}{{ else if .Values.secrets }}{{ .Release.Name }}-secrets{{ else }}{{ fail "name the secret in existingSecret, or give secrets" }}{{ end }}
{{- end }}

{{- define "twofold.image" -}}
{{ .root.Values.image.prefix }}/{{ .name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "twofold.registryUrl" -}}
{{- if .Values.registry.url }}{{ .Values.registry.url }}
{{- else if (index .Values.services "schema-registry").enabled }}{{ include "twofold.scheme" . }}://{{ include "twofold.name" (dict "root" . "name" "schema-registry") }}:{{ (index .Values.services "schema-registry").port }}
{{- else }}{{ fail "name a schema registry in registry.url, or enable services.schema-registry" }}{{ end }}
{{- end }}

{{/* How the release's services are spoken to. */}}
{{- define "twofold.scheme" -}}
{{ ternary "https" "http" (not (empty .Values.tls.secretName)) }}
{{- end }}

{{/* The address of one of the release's services: (dict "root" $ "name" "relay"). */}}
{{- define "twofold.url" -}}
{{ include "twofold.scheme" .root }}://{{ include "twofold.name" . }}:{{ (index .root.Values.services .name).port }}
{{- end }}

{{/*
The secrets that one service is told, and no others: (dict "root" $ "name" "relay"). One that is optional and missing
leaves what the ConfigMap says.
*/}}
{{- define "twofold.secrets" -}}
{{- $secret := include "twofold.secret" .root }}
{{- range get (include "twofold.needs" . | fromYaml) .name }}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef: { name: {{ $secret }}, key: {{ .key }}, optional: {{ .optional | default false }} }
{{- end }}
{{- end }}

{{/* Which secrets a service needs. */}}
{{- define "twofold.needs" -}}
{{- $keys := not (empty .root.Values.auth.jwksUrl) }}
command-service:
  - { variable: TWOFOLD_LOG_URL, key: log-url }
  - { variable: TWOFOLD_JWT_SECRET, key: jwt-secret, optional: {{ $keys }} }
  - { variable: TWOFOLD_ONCE_SECRET, key: once-secret, optional: true }
query-service:
  - { variable: TWOFOLD_VIEWS_URL, key: {{ ternary "reader-views-url" "views-url" (not (empty .root.Values.migrations.readerRole)) }} }
  - { variable: TWOFOLD_INLINE_URL, key: reader-log-url, optional: true }
  - { variable: TWOFOLD_REDIS_URL, key: redis-url }
  - { variable: TWOFOLD_JWT_SECRET, key: jwt-secret, optional: {{ $keys }} }
relay:
  - { variable: TWOFOLD_LOG_URL, key: {{ ternary "relay-log-url" "log-url" (not (empty .root.Values.migrations.relayRole)) }} }
  - { variable: TWOFOLD_KAFKA_PROPERTIES, key: kafka-properties, optional: true }
  - { variable: TWOFOLD_KAFKA_PASSWORD, key: kafka-password, optional: {{ empty .root.Values.kafka.username }} }
  - { variable: TWOFOLD_REGISTRY_URL, key: registry-url, optional: true }
projector-postgres:
  - { variable: TWOFOLD_VIEWS_URL, key: views-url }
  - { variable: TWOFOLD_KAFKA_PROPERTIES, key: kafka-properties, optional: true }
  - { variable: TWOFOLD_KAFKA_PASSWORD, key: kafka-password, optional: {{ empty .root.Values.kafka.username }} }
  - { variable: TWOFOLD_REGISTRY_URL, key: registry-url, optional: true }
  - { variable: TWOFOLD_JWT_SECRET, key: jwt-secret, optional: {{ $keys }} }
  - { variable: TWOFOLD_OPS_TOKEN, key: ops-token, optional: true }
projector-redis:
  - { variable: TWOFOLD_REDIS_URL, key: redis-url }
  - { variable: TWOFOLD_KAFKA_PROPERTIES, key: kafka-properties, optional: true }
  - { variable: TWOFOLD_KAFKA_PASSWORD, key: kafka-password, optional: {{ empty .root.Values.kafka.username }} }
  - { variable: TWOFOLD_REGISTRY_URL, key: registry-url, optional: true }
  - { variable: TWOFOLD_JWT_SECRET, key: jwt-secret, optional: {{ $keys }} }
  - { variable: TWOFOLD_OPS_TOKEN, key: ops-token, optional: true }
process-manager:
  - { variable: TWOFOLD_PROCESSES_URL, key: processes-url }
  - { variable: TWOFOLD_KAFKA_PROPERTIES, key: kafka-properties, optional: true }
  - { variable: TWOFOLD_KAFKA_PASSWORD, key: kafka-password, optional: {{ empty .root.Values.kafka.username }} }
  - { variable: TWOFOLD_REGISTRY_URL, key: registry-url, optional: true }
  - { variable: TWOFOLD_JWT_SECRET, key: jwt-secret, optional: {{ $keys }} }
  - { variable: TWOFOLD_OPS_TOKEN, key: ops-token, optional: true }
schema-registry:
  - { variable: TWOFOLD_REGISTRY_DATABASE_URL, key: registry-database-url }
{{- end }}
