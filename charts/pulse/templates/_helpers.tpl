{{/* Names, labels and what several objects have to agree on. Nothing here makes an object. */}}

{{- define "pulse.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* At most 40 characters, so that what is put behind it still fits into 63. */}}
{{- define "pulse.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := include "pulse.name" . }}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels of an object: (dict "root" $ "component" "controller"). */}}
{{- define "pulse.labels" -}}
{{ include "pulse.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: pulse
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What never changes of them. */}}
{{- define "pulse.selector" -}}
app.kubernetes.io/name: {{ include "pulse.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* (dict "root" $ "image" .Values.image) */}}
{{- define "pulse.image" -}}
{{- $name := .image.repository }}
{{- with .image.registry }}{{ $name = printf "%s/%s" (trimSuffix "/" .) $name }}{{ end }}
{{- if .image.digest }}
{{- printf "%s@%s" $name .image.digest }}
{{- else }}
{{- printf "%s:%s" $name (default .root.Chart.AppVersion .image.tag) }}
{{- end }}
{{- end }}

{{/* The agents' image; its registry is the controller's unless said. */}}
{{- define "pulse.agents.image" -}}
{{- $image := merge (dict "registry" (default .Values.image.registry .Values.agents.image.registry)) .Values.agents.image }}
{{- include "pulse.image" (dict "root" . "image" $image) }}
{{- end }}

{{/* What stands between databases: `true` or nothing. */}}
{{- define "pulse.isMariadb" -}}
{{- if or .Values.mariadb.url .Values.mariadb.existingSecret.name .Values.mariadb.trial.enabled }}true{{ end }}
{{- end }}

{{- define "pulse.replicas" -}}
{{- if kindIs "invalid" .Values.controller.replicas }}
{{- ternary 2 1 (eq (include "pulse.isMariadb" .) "true") }}
{{- else }}
{{- int .Values.controller.replicas }}
{{- end }}
{{- end }}

{{- define "pulse.isTls" -}}
{{- if ne .Values.controller.tls.mode "off" }}true{{ end }}
{{- end }}

{{- define "pulse.scheme" -}}
{{- ternary "https" "http" (eq (include "pulse.isTls" .) "true") }}
{{- end }}

{{/* The controller within the cluster. */}}
{{- define "pulse.serviceUrl" -}}
{{- printf "%s://%s.%s.svc:%d" (include "pulse.scheme" .) (include "pulse.fullname" .) .Release.Namespace (int .Values.service.port) }}
{{- end }}

{{/*
The address that people use. Without an ingress it is left to them (a port-forward is `localhost`), but a certificate of the controller's
own authority has to be for the name that agents use.
*/}}
{{- define "pulse.publicUrl" -}}
{{- if .Values.controller.publicUrl }}
{{- .Values.controller.publicUrl }}
{{- else if .Values.ingress.enabled }}
{{- printf "%s://%s" (ternary "https" "http" .Values.ingress.tls.enabled) .Values.ingress.host }}
{{- else if eq .Values.controller.tls.mode "auto" }}
{{- include "pulse.serviceUrl" . }}
{{- end }}
{{- end }}

{{/*
Where agents find the controller. Behind a proxy that vouches for people they go through it, too: whoever reached the controller beside it
from a trusted address could claim to be anybody.
*/}}
{{- define "pulse.agents.server" -}}
{{- if .Values.agents.server }}
{{- .Values.agents.server }}
{{- else if or .Values.access.trustedProxies (eq .Values.controller.tls.mode "auto") }}
{{- include "pulse.publicUrl" . }}
{{- else }}
{{- include "pulse.serviceUrl" . }}
{{- end }}
{{- end }}

{{- define "pulse.secretName" -}}
{{- include "pulse.fullname" . }}
{{- end }}

{{- define "pulse.agents.secretName" -}}
{{- default (printf "%s-enrolment" (include "pulse.fullname" .)) .Values.agents.existingSecret.name }}
{{- end }}

{{- define "pulse.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "pulse.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Whether the chart gets the agents their token. */}}
{{- define "pulse.enrols" -}}
{{- if and .Values.agents.enabled (not .Values.agents.existingSecret.name) }}true{{ end }}
{{- end }}

{{/* Whether something runs beside the controller: for the label that the Service selects, or for the agents' token. */}}
{{- define "pulse.hasSidecar" -}}
{{- if or (include "pulse.isMariadb" .) (include "pulse.enrols" .) }}true{{ end }}
{{- end }}

{{/* For every container of ours. */}}
{{- define "pulse.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* For every pod of ours: (dict "id" 65532). */}}
{{- define "pulse.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .id }}
runAsGroup: {{ .id }}
fsGroup: {{ .id }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* A generated value survives upgrades: (dict "root" $ "key" "admin-token" "length" 48). Encoded as in a Secret. */}}
{{- define "pulse.kept" -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace (include "pulse.secretName" .root) }}
{{- $data := dict }}
{{- with $found }}{{ $data = default (dict) .data }}{{ end }}
{{- if hasKey $data .key }}
{{- get $data .key }}
{{- else }}
{{- randAlphaNum (int .length) | b64enc }}
{{- end }}
{{- end }}
