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

{{- /* A setting as text. YAML has only floating point numbers by the time they are here: whole ones without a point. */ -}}
{{- define "tracing.text" -}}
{{- if kindIs "slice" . -}}
{{- range $place, $one := . }}{{ if $place }},{{ end }}{{ include "tracing.text" $one }}{{ end -}}
{{- else if kindIs "map" . -}}
{{- fail (printf "a setting is a text, a number, true, false or a list of them, and not %v" .) -}}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- printf "%.0f" . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{- /* A setting as text, or what it is without being set: call with (list . "name" default). */ -}}
{{- define "tracing.setting" -}}
{{- $given := index (index . 0).Values.settings (index . 1) -}}
{{- include "tracing.text" (ternary (index . 2) $given (kindIs "invalid" $given)) -}}
{{- end -}}

{{- /* The port and scheme of the metrics, which the settings may change. */ -}}
{{- define "tracing.metricsPort" -}}
{{- $given := index .Values.settings "metrics.port" -}}
{{- $port := ternary "8080" (include "tracing.text" $given) (kindIs "invalid" $given) -}}
{{- if eq $port "0" }}{{ fail "settings: metrics.port=0 leaves Kubernetes nothing to ask whether the pod is well" }}{{ end -}}
{{- $port -}}
{{- end -}}

{{- define "tracing.metricsScheme" -}}
{{- if index .Values.settings "metrics.tls.cert.file" }}HTTPS{{ else }}HTTP{{ end -}}
{{- end -}}

{{- /* OpenShift chooses the user of each namespace, and refuses one that is named. */ -}}
{{- define "tracing.podSecurity" -}}
runAsNonRoot: true
{{- if not (.Capabilities.APIVersions.Has "security.openshift.io/v1") }}
{{- with .Values.podSecurity.runAsUser }}
runAsUser: {{ include "tracing.text" . }}
{{- end }}
{{- with .Values.podSecurity.fsGroup }}
fsGroup: {{ include "tracing.text" . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
{{- end }}
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

{{- /* So that pods start anew when a setting changes, or a Secret, at the next `helm upgrade`. */ -}}
{{- define "tracing.podAnnotations" -}}
checksum/settings: {{ toYaml .Values.settings | sha256sum }}
{{- range $name := list .Values.secretName .Values.filesSecretName | compact | uniq }}
checksum/secret-{{ $name }}: {{ dig "data" dict (lookup "v1" "Secret" $.Release.Namespace $name) | toYaml | sha256sum }}
{{- end }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tracing.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Everybody in a policy: peers that are named, else the pods of this namespace. */ -}}
{{- define "tracing.peers" -}}
{{- toYaml (. | default (list (dict "podSelector" dict))) -}}
{{- end -}}
