{{/* What the schema cannot say: values that contradict each other. All are told at once, each with its remedy. */}}

{{- define "pulse.checks" -}}
{{- $wrong := list }}
{{- $v := .Values }}
{{- $mariadb := eq (include "pulse.isMariadb" .) "true" }}
{{- $replicas := int (include "pulse.replicas" .) }}
{{- if not $v.source.url }}
{{- $wrong = append $wrong "source.url is not set: give the URL of the Git repository with the manifests" }}
{{- end }}
{{- if regexMatch "^[a-z+]+://[^/@]*:[^/@]*@" $v.source.url }}
{{- $wrong = append $wrong "source.url holds a password: use source.username and source.token, or source.existingSecret" }}
{{- end }}
{{- $ssh := or (hasPrefix "ssh://" $v.source.url) (regexMatch "^[^/:]+@[^/:]+:" $v.source.url) }}
{{- if and $ssh (not $v.source.knownHosts) }}
{{- $wrong = append $wrong "source.url is an ssh address, and source.knownHosts is not set: give the host's keys, as ssh-keyscan prints them" }}
{{- end }}
{{- if and $ssh (not $v.source.sshKey) (not $v.source.existingSecret) }}
{{- $wrong = append $wrong "source.url is an ssh address and there is no key: set source.sshKey, or source.existingSecret with the key `ssh-key`" }}
{{- end }}
{{- if and $v.source.existingSecret (or $v.source.token $v.source.sshKey) }}
{{- $wrong = append $wrong "source.existingSecret and source.token or source.sshKey contradict each other: keep one" }}
{{- end }}
{{- $named := 0 }}
{{- if $v.mariadb.url }}{{ $named = add1 $named }}{{ end }}
{{- if $v.mariadb.existingSecret.name }}{{ $named = add1 $named }}{{ end }}
{{- if $v.mariadb.trial.enabled }}{{ $named = add1 $named }}{{ end }}
{{- if gt (int $named) 1 }}
{{- $wrong = append $wrong "mariadb.url, mariadb.existingSecret and mariadb.trial each name a database: keep one" }}
{{- end }}
{{- if and (not $mariadb) (ne $replicas 1) }}
{{- $wrong = append $wrong (printf "controller.replicas is %d, and SQLite has one writer: name a MariaDB (mariadb.existingSecret), or leave it out" $replicas) }}
{{- end }}
{{- if and (eq $v.controller.tls.mode "secret") (not $v.controller.tls.secretName) }}
{{- $wrong = append $wrong "controller.tls.mode is `secret`: set controller.tls.secretName to a Secret with tls.crt and tls.key" }}
{{- end }}
{{- if and (eq $v.controller.tls.mode "auto") (or $mariadb (not (or $v.persistence.enabled $v.persistence.existingClaim))) }}
{{- $wrong = append $wrong "controller.tls.mode is `auto`, whose authority is kept in one data folder: it needs SQLite with persistence; use `secret` here" }}
{{- end }}
{{- if and (eq $v.controller.tls.mode "auto") $v.ingress.enabled }}
{{- $wrong = append $wrong "controller.tls.mode is `auto` and an ingress would end TLS before it, so that no agent could know the controller: use `off` or `secret`" }}
{{- end }}
{{- if and $v.ingress.enabled (not $v.ingress.host) }}
{{- $wrong = append $wrong "ingress.enabled is set: set ingress.host, too" }}
{{- end }}
{{- if and $v.ingress.enabled $v.controller.publicUrl (not (hasPrefix (printf "%s://%s" (ternary "https" "http" $v.ingress.tls.enabled) $v.ingress.host) $v.controller.publicUrl)) }}
{{- $wrong = append $wrong "controller.publicUrl is not the ingress's address: leave it out" }}
{{- end }}
{{- if $v.ingress.authelia.enabled }}
{{- if not (and $v.ingress.enabled $v.ingress.nginx) }}
{{- $wrong = append $wrong "ingress.authelia.enabled writes annotations of ingress-nginx: set ingress.enabled and ingress.nginx, or write your controller's own into ingress.annotations" }}
{{- end }}
{{- if not (and $v.ingress.authelia.authUrl $v.ingress.authelia.signInUrl) }}
{{- $wrong = append $wrong "ingress.authelia.enabled is set: set ingress.authelia.authUrl and ingress.authelia.signInUrl, too" }}
{{- end }}
{{- if not $v.access.trustedProxies }}
{{- $wrong = append $wrong "ingress.authelia.enabled is set: set access.trustedProxies to the addresses from which the ingress controller's pods speak, or nobody is believed" }}
{{- end }}
{{- end }}
{{- if and $v.access.trustedProxies $v.networkPolicy.enabled (not $v.networkPolicy.ingressFrom) }}
{{- $wrong = append $wrong "access.trustedProxies is set: set networkPolicy.ingressFrom to the ingress controller's pods, for any other pod at such an address could claim to be anybody" }}
{{- end }}
{{- if and $v.access.trustedProxies $v.agents.enabled (not $v.agents.server) (not (include "pulse.publicUrl" .)) }}
{{- $wrong = append $wrong "access.trustedProxies is set, and agents must come through the proxy, too: set agents.server or controller.publicUrl" }}
{{- end }}
{{- if and $v.access.oidc.issuer (not $v.access.oidc.clientId) }}
{{- $wrong = append $wrong "access.oidc.issuer is set: set access.oidc.clientId, too" }}
{{- end }}
{{- if and $v.access.oidc.issuer (not $v.controller.publicUrl) (not $v.ingress.enabled) }}
{{- $wrong = append $wrong "access.oidc.issuer is set, and the issuer has to send people back: set controller.publicUrl or ingress.enabled" }}
{{- end }}
{{- if and $v.agents.host.enabled (ne $v.agents.kind "DaemonSet") }}
{{- $wrong = append $wrong "agents.host.enabled is for one agent on each node: set agents.kind to DaemonSet" }}
{{- end }}
{{- if and $v.agents.hostPath (ne $v.agents.kind "DaemonSet") }}
{{- $wrong = append $wrong "agents.hostPath is for agents.kind DaemonSet: leave it out" }}
{{- end }}
{{- range $list := list $v.controller.extraEnv $v.agents.extraEnv }}
{{- range $list }}
{{- if has .name (list "PULSE_LISTEN" "PULSE_DATA_DIR" "PULSE_AGENT_DATA_DIR" "PULSE_DATABASE_URL" "PULSE_ADMIN_TOKEN" "PULSE_SOURCE_URL" "PULSE_TRUSTED_PROXIES") }}
{{- $wrong = append $wrong (printf "extraEnv sets %s, which is the chart's own: use its value" .name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if $wrong }}
{{- fail (printf "\n  - %s" (join "\n  - " $wrong)) }}
{{- end }}
{{- end }}
