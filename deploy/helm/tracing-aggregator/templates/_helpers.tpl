{{- define "tracing.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "tracing.labels" -}}
app.kubernetes.io/name: tracing-aggregator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- /* Of one part: call with (dict "root" $ "part" "aggregator"). */ -}}
{{- define "tracing.selector" -}}
app.kubernetes.io/name: tracing-aggregator
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "tracing.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "tracing.tokenSecret" -}}
{{ .Values.dashboard.tokenSecretName | default (printf "%s-dashboard" (include "tracing.name" .)) }}
{{- end -}}

{{- define "tracing.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "tracing.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "tracing.environment" -}}
- configMapRef:
    name: {{ include "tracing.name" . }}
{{- with .Values.secretName }}
- secretRef:
    name: {{ . }}
{{- end }}
{{- end -}}

{{- define "tracing.files" -}}
{{- if .Values.filesSecretName }}
- name: files
  mountPath: /etc/tracing-aggregator
  readOnly: true
{{- end }}
{{- end -}}

{{- define "tracing.fileVolumes" -}}
- name: tmp
  emptyDir: {}
{{- with .Values.filesSecretName }}
- name: files
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{- /* So that pods start anew when a setting changes. */ -}}
{{- define "tracing.podAnnotations" -}}
checksum/settings: {{ toYaml .Values.settings | sha256sum }}
{{- end -}}
