{{/*
An agent's pod. Its key and journal are its identity: they lie on the node (DaemonSet) or on a volume of the pod's name (StatefulSet), and
go with the pod of a Deployment, whose agents are new ones each time.
*/}}

{{- define "pulse.agents.pod" -}}
{{- $v := .Values.agents }}
{{- $server := include "pulse.agents.server" . }}
{{- $onNode := eq $v.kind "DaemonSet" }}
{{- $root := $v.host.enabled }}
metadata:
  labels:
    {{- include "pulse.selector" (dict "root" . "component" "agent") | nindent 4 }}
    {{- with $v.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $v.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "pulse.fullname" . }}-agent
  automountServiceAccountToken: false
  enableServiceLinks: false
  # What commands leave behind is taken away by the pod's first process, which is not the agent then.
  {{- if $root }}
  hostPID: true
  {{- else }}
  shareProcessNamespace: true
  {{- end }}
  terminationGracePeriodSeconds: {{ $v.terminationGracePeriodSeconds }}
  securityContext:
    {{- if $root }}
    seccompProfile:
      type: RuntimeDefault
    {{- else }}
    {{- include "pulse.podSecurity" (dict "id" 65532) | nindent 4 }}
    {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and $onNode (not $root) }}
  initContainers:
    # A folder of the node is root's at first; this gives it to the agent, and can do nothing else.
    - name: folder
      image: {{ include "pulse.agents.image" . }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      command: [chown, "65532:65532", /var/lib/pulse-agent]
      resources:
        requests: {cpu: 10m, memory: 8Mi}
        limits: {memory: 32Mi}
      securityContext:
        runAsNonRoot: false
        runAsUser: 0
        runAsGroup: 0
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
          add: [CHOWN]
      volumeMounts:
        - {name: data, mountPath: /var/lib/pulse-agent}
  {{- end }}
  containers:
    - name: agent
      image: {{ include "pulse.agents.image" . }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      command: [pulse-agent]
      env:
        - {name: PULSE_SERVER, value: {{ $server | quote }}}
        {{- if hasPrefix "http://" $server }}
        - {name: PULSE_INSECURE_HTTP, value: "true"}
        {{- end }}
        {{- if $v.ca.secretName }}
        - {name: PULSE_CA, value: /etc/pulse/ca/ca.pem}
        {{- end }}
        - {name: PULSE_AGENT_TOKEN_FILE, value: /etc/pulse/enrolment/token}
        - {name: PULSE_AGENT_DATA_DIR, value: /var/lib/pulse-agent/data}
        - name: HOST
          valueFrom:
            fieldRef: {fieldPath: {{ ternary "spec.nodeName" "metadata.name" $onNode }}}
        - {name: PULSE_AGENT_NAME, value: "{{ $v.namePrefix }}$(HOST)"}
        - {name: PULSE_AGENT_SLOTS, value: {{ $v.slots | quote }}}
        {{- with $v.labels }}
        {{- $labels := list }}
        {{- range $key, $value := . }}{{ $labels = append $labels (printf "%s=%s" $key $value) }}{{ end }}
        - {name: PULSE_AGENT_LABELS, value: {{ join "," $labels | quote }}}
        {{- end }}
        {{- with $v.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      resources:
        {{- toYaml $v.resources | nindent 8 }}
      securityContext:
        {{- if $v.securityContext }}
        {{- toYaml $v.securityContext | nindent 8 }}
        {{- else if $root }}
        # agents.host.enabled: its commands may do to the node whatever root may.
        privileged: true
        runAsUser: 0
        {{- else }}
        {{- include "pulse.containerSecurity" . | nindent 8 }}
        {{- end }}
      volumeMounts:
        - {name: data, mountPath: /var/lib/pulse-agent}
        - {name: tmp, mountPath: /tmp}
        - {name: enrolment, mountPath: /etc/pulse/enrolment, readOnly: true}
        {{- if $v.ca.secretName }}
        - {name: ca, mountPath: /etc/pulse/ca, readOnly: true}
        {{- end }}
        {{- if $root }}
        - {name: host, mountPath: /host, mountPropagation: HostToContainer}
        {{- end }}
        {{- with $v.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- if $onNode }}
    - name: data
      hostPath:
        path: {{ default (printf "/var/lib/pulse-agent/%s-%s" .Release.Namespace (include "pulse.fullname" .)) $v.hostPath }}
        type: DirectoryOrCreate
    {{- else if eq $v.kind "Deployment" }}
    - name: data
      emptyDir: {sizeLimit: {{ $v.size }}}
    {{- end }}
    - name: tmp
      emptyDir: {}
    - name: enrolment
      secret:
        secretName: {{ include "pulse.agents.secretName" . }}
        defaultMode: 0440
        items:
          - {key: {{ ternary $v.existingSecret.key "token" (ne $v.existingSecret.name "") }}, path: token}
    {{- if $v.ca.secretName }}
    - name: ca
      secret:
        secretName: {{ $v.ca.secretName }}
        items:
          - {key: {{ $v.ca.key }}, path: ca.pem}
    {{- end }}
    {{- if $root }}
    - name: host
      hostPath: {path: /}
    {{- end }}
    {{- with $v.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
