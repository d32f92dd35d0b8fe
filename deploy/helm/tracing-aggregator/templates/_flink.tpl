{{- /* Parts of flink.yaml. */ -}}
{{- define "tracing.flinkName" -}}
{{ include "tracing.name" . }}-flink
{{- end -}}

{{- define "tracing.flinkImage" -}}
{{ .Values.flink.image.repository }}:{{ .Values.flink.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- /* The head of a pod of Flink: call with (dict "root" $ "part" .Values.flink.jobManager). */ -}}
{{- define "tracing.flinkPod" -}}
metadata:
  annotations: {{- include "tracing.podAnnotations" .root | nindent 4 }}
spec:
  enableServiceLinks: false
  securityContext: {{- include "tracing.podSecurity" .root | nindent 4 }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "tracing.placement" .part }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* Flink's own container; more mounts may follow. */ -}}
{{- define "tracing.flinkMain" -}}
- name: flink-main-container
  {{- with .Values.secretName }}
  # The Python workers look up secrets here; so does Flink's plugin for s3://, unless the machine has a role.
  envFrom:
    - secretRef:
        name: {{ . }}
  {{- end }}
  {{- if .Values.flink.s3.enabled }}
  env:
    - name: FLINK_PLUGINS_DIR
      value: /opt/flink/opt/plugins
  {{- end }}
  securityContext:
    allowPrivilegeEscalation: false
    capabilities:
      drop: [ALL]
  volumeMounts:
    - name: tmp
      mountPath: /tmp
    {{- if hasPrefix "file:" .Values.flink.state.uri }}
    - name: checkpoints
      mountPath: {{ trimPrefix "file:" .Values.flink.state.uri | clean }}
    {{- end }}
    {{- include "tracing.files" . | nindent 4 }}
{{- end -}}

{{- /* A container of ours in a pod of Flink; more mounts may follow. */ -}}
{{- define "tracing.flinkHelper" -}}
image: {{ include "tracing.flinkImage" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
envFrom: {{- include "tracing.environment" . | nindent 2 }}
securityContext: {{- include "tracing.containerSecurity" . | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- include "tracing.files" . | nindent 2 }}
{{- end -}}

{{- define "tracing.flinkVolumes" -}}
{{- include "tracing.fileVolumes" . }}
{{- if hasPrefix "file:" .Values.flink.state.uri }}
- name: checkpoints
  persistentVolumeClaim:
    claimName: {{ include "tracing.flinkName" . }}-checkpoints
{{- end }}
{{- end -}}
