{{- define "llmsnoop.name" -}}
{{- if contains "llmsnoop" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-llmsnoop{{ end -}}
{{- end -}}

{{- /* What selects the agent's pods; never changes between versions of the chart. */ -}}
{{- define "llmsnoop.selector" -}}
app.kubernetes.io/name: llmsnoop
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "llmsnoop.labels" -}}
{{ include "llmsnoop.selector" . }}
app.kubernetes.io/part-of: llmsnoop
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "llmsnoop.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "llmsnoop.tokenSecret" -}}
{{ .Values.apiTokenSecret | default (printf "%s-api" (include "llmsnoop.name" .)) }}
{{- end -}}

{{- define "llmsnoop.port" -}}
{{ . | splitList ":" | last }}
{{- end -}}
