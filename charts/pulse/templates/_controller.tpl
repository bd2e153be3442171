{{/* The controller's pod, which is the same on every database but for its data folder and what readiness means. */}}

{{/* Name and value of each setting that is plain text. */}}
{{- define "pulse.controller.env" -}}
{{- $v := .Values }}
- {name: PULSE_LISTEN, value: "0.0.0.0:8080"}
- {name: PULSE_DATA_DIR, value: /var/lib/pulse/data}
{{- if not (include "pulse.isTls" .) }}
# Within the cluster; TLS is the ingress's, or controller.tls.
- {name: PULSE_INSECURE_HTTP, value: "true"}
{{- else if eq $v.controller.tls.mode "auto" }}
- {name: PULSE_TLS, value: auto}
{{- else }}
- {name: PULSE_TLS_CERT, value: /etc/pulse/tls/tls.crt}
- {name: PULSE_TLS_KEY_FILE, value: /etc/pulse/tls/tls.key}
{{- end }}
- {name: PULSE_ADMIN_TOKEN_FILE, value: /etc/pulse/secrets/admin-token}
- {name: PULSE_WEBHOOK_SECRET_FILE, value: /etc/pulse/secrets/webhook-secret}
{{- if include "pulse.isMariadb" . }}
- {name: PULSE_DATABASE_URL_FILE, value: /etc/pulse/secrets/database-url}
{{- end }}
{{- $ssh := or (hasPrefix "ssh://" $v.source.url) (regexMatch "^[^/:]+@[^/:]+:" $v.source.url) }}
{{- if and $ssh (or $v.source.sshKey $v.source.existingSecret) }}
- {name: PULSE_SOURCE_SSH_KEY_FILE, value: /etc/pulse/secrets/source-ssh-key}
{{- else if or $v.source.token $v.source.existingSecret }}
- {name: PULSE_SOURCE_TOKEN_FILE, value: /etc/pulse/secrets/source-token}
{{- end }}
{{- if $v.source.knownHosts }}
- {name: PULSE_SOURCE_KNOWN_HOSTS, value: /etc/pulse/trust/known-hosts}
{{- end }}
{{- if $v.source.ca }}
- {name: PULSE_SOURCE_CA, value: /etc/pulse/trust/source-ca.pem}
{{- end }}
{{- if or $v.access.oidc.clientSecret $v.access.oidc.existingSecret.name }}
- {name: PULSE_OIDC_CLIENT_SECRET_FILE, value: /etc/pulse/secrets/oidc-client-secret}
{{- end }}
{{- if $v.monitoring.serviceMonitor.tokenSecret.name }}
- {name: PULSE_METRICS_TOKEN_FILE, value: /etc/pulse/secrets/metrics-token}
{{- end }}
{{- if $v.access.oidc.ca }}
- {name: PULSE_OIDC_CA, value: /etc/pulse/trust/oidc-ca.pem}
{{- end }}
{{- $plain := list
    (list "PULSE_SOURCE_URL" $v.source.url)
    (list "PULSE_SOURCE_BRANCH" $v.source.branch)
    (list "PULSE_SOURCE_PATH" $v.source.path)
    (list "PULSE_SOURCE_POLL" $v.source.poll)
    (list "PULSE_SOURCE_USERNAME" $v.source.username)
    (list "PULSE_PUBLIC_URL" (include "pulse.publicUrl" .))
    (list "PULSE_TRUSTED_PROXIES" (join "," $v.access.trustedProxies))
    (list "PULSE_ADMIN_GROUPS" (join "," $v.access.adminGroups))
    (list "PULSE_OPERATOR_GROUPS" (join "," $v.access.operatorGroups))
    (list "PULSE_VIEWER_GROUPS" (join "," $v.access.viewerGroups))
    (list "PULSE_AUDITOR_GROUPS" (join "," $v.access.auditorGroups))
    (list "PULSE_OIDC_ISSUER" $v.access.oidc.issuer)
    (list "PULSE_OIDC_CLIENT_ID" $v.access.oidc.clientId)
    (list "PULSE_OIDC_SCOPES" $v.access.oidc.scopes)
    (list "PULSE_OIDC_USER_CLAIM" $v.access.oidc.userClaim)
    (list "PULSE_OIDC_GROUPS_CLAIM" $v.access.oidc.groupsClaim)
    (list "PULSE_OIDC_NAME" $v.access.oidc.name)
    (list "PULSE_RATE_LIMIT" $v.controller.rateLimit)
    (list "PULSE_RATE_LIMIT_STRANGERS" $v.controller.rateLimitStrangers)
    (list "PULSE_LOG" $v.controller.log.filter)
    (list "PULSE_LOG_FORMAT" $v.controller.log.format) }}
{{- range $plain }}
{{- if index . 1 }}
- {name: {{ index . 0 }}, value: {{ index . 1 | quote }}}
{{- end }}
{{- end }}
{{- with $v.controller.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The files of the secrets, each from the Secret that holds it. */}}
{{- define "pulse.controller.secrets" -}}
{{- $v := .Values }}
{{- $own := include "pulse.secretName" . }}
{{- $ssh := or (hasPrefix "ssh://" $v.source.url) (regexMatch "^[^/:]+@[^/:]+:" $v.source.url) }}
{{- $files := list
    (list (default $own $v.admin.existingSecret.name) (ternary $v.admin.existingSecret.key "admin-token" (ne $v.admin.existingSecret.name "")) "admin-token")
    (list (default $own $v.webhook.existingSecret.name) (ternary $v.webhook.existingSecret.key "webhook-secret" (ne $v.webhook.existingSecret.name "")) "webhook-secret") }}
{{- if and $v.source.existingSecret $ssh }}
{{- $files = append $files (list $v.source.existingSecret "ssh-key" "source-ssh-key") }}
{{- else if $v.source.existingSecret }}
{{- $files = append $files (list $v.source.existingSecret "token" "source-token") }}
{{- else if and $ssh $v.source.sshKey }}
{{- $files = append $files (list $own "source-ssh-key" "source-ssh-key") }}
{{- else if $v.source.token }}
{{- $files = append $files (list $own "source-token" "source-token") }}
{{- end }}
{{- if $v.mariadb.existingSecret.name }}
{{- $files = append $files (list $v.mariadb.existingSecret.name $v.mariadb.existingSecret.key "database-url") }}
{{- else if include "pulse.isMariadb" . }}
{{- $files = append $files (list $own "database-url" "database-url") }}
{{- end }}
{{- if $v.access.oidc.existingSecret.name }}
{{- $files = append $files (list $v.access.oidc.existingSecret.name $v.access.oidc.existingSecret.key "oidc-client-secret") }}
{{- else if $v.access.oidc.clientSecret }}
{{- $files = append $files (list $own "oidc-client-secret" "oidc-client-secret") }}
{{- end }}
{{- with $v.monitoring.serviceMonitor.tokenSecret }}
{{- if .name }}
{{- $files = append $files (list .name .key "metrics-token") }}
{{- end }}
{{- end }}
{{- range $files }}
- secret:
    name: {{ index . 0 }}
    items:
      - {key: {{ index . 1 }}, path: {{ index . 2 }}}
{{- end }}
{{- end }}

{{/* A look at this pod's own controller. */}}
{{- define "pulse.controller.probe" -}}
httpGet:
  path: {{ .path }}
  port: http
  scheme: {{ upper (include "pulse.scheme" .root) }}
{{- end }}

{{- define "pulse.controller.pod" -}}
{{- $v := .Values }}
{{- $mariadb := include "pulse.isMariadb" . }}
{{- $image := include "pulse.image" (dict "root" . "image" $v.image) }}
metadata:
  labels:
    {{- include "pulse.selector" (dict "root" . "component" "controller") | nindent 4 }}
    {{- if $mariadb }}
    # The sidecar says which one is active, and the Service selects that.
    pulse.dev/role: standby
    {{- end }}
    {{- with $v.controller.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Secrets are read at the start; only what was given is in here, for what is generated never changes.
    checksum/secrets: {{ list $v.source $v.access $v.mariadb.url | toJson | sha256sum }}
    {{- with $v.controller.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "pulse.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $v.controller.terminationGracePeriodSeconds }}
  securityContext:
    {{- include "pulse.podSecurity" (dict "id" 65532) | nindent 4 }}
  {{- with $v.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.controller.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $v.controller.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.controller.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.controller.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $mariadb }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "pulse.selector" (dict "root" . "component" "controller") | nindent 10 }}
  {{- end }}
  {{- if include "pulse.hasSidecar" . }}
  initContainers:
    {{- include "pulse.controller.sidecar" . | nindent 4 }}
  {{- end }}
  containers:
    - name: controller
      image: {{ $image }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      command: [pulse-controller]
      env:
        {{- include "pulse.controller.env" . | nindent 8 }}
      ports:
        - {name: http, containerPort: 8080, protocol: TCP}
      # Connecting to a database and migrating it may take its time; being alive does not.
      startupProbe:
        {{- include "pulse.controller.probe" (dict "root" . "path" "/health/live") | nindent 8 }}
        periodSeconds: 2
        failureThreshold: 150
      livenessProbe:
        {{- include "pulse.controller.probe" (dict "root" . "path" "/health/live") | nindent 8 }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        {{- if $mariadb }}
        # Active or standing by: both are well, and a rollout goes on. /health/ready is for the active one alone.
        exec:
          command: [pulse, --server, "{{ include "pulse.scheme" . }}://127.0.0.1:8080", kubernetes, ready]
        {{- else }}
        {{- include "pulse.controller.probe" (dict "root" . "path" "/health/ready") | nindent 8 }}
        {{- end }}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      resources:
        {{- toYaml $v.controller.resources | nindent 8 }}
      securityContext:
        {{- include "pulse.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - {name: data, mountPath: /var/lib/pulse}
        - {name: tmp, mountPath: /tmp}
        - {name: secrets, mountPath: /etc/pulse/secrets, readOnly: true}
        {{- if or $v.source.knownHosts $v.source.ca $v.access.oidc.ca }}
        - {name: trust, mountPath: /etc/pulse/trust, readOnly: true}
        {{- end }}
        {{- if eq $v.controller.tls.mode "secret" }}
        - {name: tls, mountPath: /etc/pulse/tls, readOnly: true}
        {{- end }}
        {{- if $v.mariadb.ca.secretName }}
        - {name: database-ca, mountPath: /etc/pulse/database, readOnly: true}
        {{- end }}
        {{- with $v.controller.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: data
      {{- if $mariadb }}
      # Nothing in here is needed by the next pod: what counts is in the database.
      emptyDir: {sizeLimit: {{ $v.controller.dataSizeLimit }}}
      {{- else if or $v.persistence.enabled $v.persistence.existingClaim }}
      persistentVolumeClaim:
        claimName: {{ default (include "pulse.fullname" .) $v.persistence.existingClaim }}
      {{- else }}
      emptyDir: {sizeLimit: {{ $v.controller.dataSizeLimit }}}
      {{- end }}
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    - name: secrets
      projected:
        defaultMode: 0440
        sources:
          {{- include "pulse.controller.secrets" . | nindent 10 }}
    {{- if or $v.source.knownHosts $v.source.ca $v.access.oidc.ca }}
    - name: trust
      configMap:
        name: {{ include "pulse.fullname" . }}
    {{- end }}
    {{- if eq $v.controller.tls.mode "secret" }}
    - name: tls
      secret:
        secretName: {{ $v.controller.tls.secretName }}
        defaultMode: 0440
    {{- end }}
    {{- if $v.mariadb.ca.secretName }}
    - name: database-ca
      secret:
        secretName: {{ $v.mariadb.ca.secretName }}
        items:
          - {key: {{ $v.mariadb.ca.key }}, path: ca.pem}
    {{- end }}
    {{- if include "pulse.hasSidecar" . }}
    # The pod's account, for the sidecar alone.
    - name: account
      projected:
        defaultMode: 0440
        sources:
          - serviceAccountToken: {path: token, expirationSeconds: 3600}
          - configMap:
              name: kube-root-ca.crt
              items:
                - {key: ca.crt, path: ca.crt}
          - downwardAPI:
              items:
                - path: namespace
                  fieldRef: {fieldPath: metadata.namespace}
    {{- end }}
    {{- with $v.controller.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* What tells the cluster of this controller. It starts before it and ends after it. */}}
{{- define "pulse.controller.sidecar" -}}
{{- $v := .Values }}
- name: sidecar
  restartPolicy: Always
  image: {{ include "pulse.image" (dict "root" . "image" $v.image) }}
  imagePullPolicy: {{ $v.image.pullPolicy }}
  command: [pulse]
  args:
    - --server={{ include "pulse.scheme" . }}://127.0.0.1:8080
    - kubernetes
    - sidecar
    {{- if include "pulse.isMariadb" . }}
    - --pod=$(POD_NAME)
    {{- range $number := until (int (include "pulse.replicas" .)) }}
    - --of={{ include "pulse.fullname" $ }}-{{ $number }}
    {{- end }}
    {{- end }}
    {{- if include "pulse.enrols" . }}
    - --secret={{ include "pulse.agents.secretName" . }}
    - --made-for=tls {{ $v.controller.tls.mode }}
    {{- range $key, $value := $v.agents.enrolmentLabels }}
    - {{ printf "--label=%s=%s" $key $value | quote }}
    {{- end }}
    {{- end }}
  env:
    - name: POD_NAME
      valueFrom:
        fieldRef: {fieldPath: metadata.name}
    {{- if include "pulse.enrols" . }}
    - {name: PULSE_TOKEN_FILE, value: /etc/pulse/secrets/admin-token}
    {{- end }}
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 64Mi}
  securityContext:
    {{- include "pulse.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - {name: account, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
    {{- if include "pulse.enrols" . }}
    - {name: secrets, mountPath: /etc/pulse/secrets, readOnly: true}
    {{- end }}
{{- end }}
