{{- define "name" -}}
{{- if .root.Values.plain }}{{ .component }}{{ else }}{{ .root.Release.Name }}-{{ .component }}{{ end }}
{{- end }}

{{- define "labels" -}}
{{- if .root.Values.plain -}}
app: metallb
component: {{ .component }}
{{- else -}}
app.kubernetes.io/name: metallb
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}
{{- end }}

{{- define "memberlist" -}}
{{- if .Values.plain }}memberlist{{ else }}{{ .Release.Name }}-memberlist{{ end }}
{{- end }}
