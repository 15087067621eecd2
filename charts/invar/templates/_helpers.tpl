{{/* Name of the chart, as in app.kubernetes.io/name. */}}
{{- define "invar.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Prefix of the names of cluster-wide and namespaced objects. */}}
{{- define "invar.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := include "invar.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Name of a workload: (dict "root" $ "component" "speaker"). */}}
{{- define "invar.workload" -}}
{{- if .root.Values.plainNames }}{{ .component }}{{ else }}{{ include "invar.fullname" .root }}-{{ .component }}{{ end }}
{{- end }}

{{- define "invar.serviceAccount" -}}
{{- $account := (index .root.Values .component).serviceAccount }}
{{- if $account.create }}{{ default (include "invar.workload" .) $account.name }}{{ else }}{{ default "default" $account.name }}{{ end }}
{{- end }}

{{- define "invar.membershipSecret" -}}
{{- if .Values.plainNames }}memberlist{{ else }}{{ include "invar.fullname" . }}-memberlist{{ end }}
{{- end }}

{{/* Cluster-wide objects carry the namespace, so that two installations do not take each other's. */}}
{{- define "invar.clusterRole" -}}
invar:{{ .root.Release.Namespace }}:{{ .component }}
{{- end }}

{{/* What selects the Pods of a component; never changed, selectors cannot be. */}}
{{- define "invar.selectorLabels" -}}
{{- if not .root.Values.plainNames -}}
app.kubernetes.io/name: {{ include "invar.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{ end -}}
app: metallb
component: {{ .component }}
{{- end }}

{{- define "invar.labels" -}}
{{ include "invar.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- if not .root.Values.plainNames }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}
{{- end }}

{{/* Labels of what belongs to no component. */}}
{{- define "invar.commonLabels" -}}
{{- if not .Values.plainNames -}}
app.kubernetes.io/name: {{ include "invar.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ end -}}
app: metallb
{{- end }}

{{/* An image of MetalLB in an old values file would run MetalLB: ours takes its place. */}}
{{- define "invar.image" -}}
{{- $image := (index .root.Values .component).image }}
{{- if regexMatch "(^|/)metallb/" $image.repository -}}
invar.dev/invar:{{ .root.Chart.AppVersion }}
{{- else -}}
{{ $image.repository }}:{{ default .root.Chart.AppVersion $image.tag }}
{{- end }}
{{- end }}

{{- define "invar.probe" -}}
httpGet:
  path: {{ .path }}
  port: {{ .probe.port }}
{{- with .host }}
  host: {{ . }}
{{- end }}
failureThreshold: {{ .probe.failureThreshold }}
initialDelaySeconds: {{ .probe.initialDelaySeconds }}
periodSeconds: {{ .probe.periodSeconds }}
successThreshold: {{ .probe.successThreshold }}
timeoutSeconds: {{ .probe.timeoutSeconds }}
{{- end }}

{{/* One health port serves both probes; where they differ, the one that says ready is right. */}}
{{- define "invar.healthPort" -}}
{{- $values := index .root.Values .component }}
{{- if $values.readinessProbe.enabled }}{{ $values.readinessProbe.port }}{{ else }}{{ $values.livenessProbe.port }}{{ end }}
{{- end }}

{{- define "invar.scrapeAnnotations" -}}
prometheus.io/scrape: "true"
prometheus.io/port: {{ .Values.prometheus.metricsPort | quote }}
prometheus.io/scheme: https
{{- end }}

{{/* Flags that both programs share. */}}
{{- define "invar.commonArgs" -}}
- --port={{ .root.Values.prometheus.metricsPort }}
- --health-probe-port={{ include "invar.healthPort" . }}
- --log-level={{ (index .root.Values .component).logLevel }}
{{- with .root.Values.loadBalancerClass }}
- --lb-class={{ . }}
{{- end }}
{{- with .root.Values.tls.minVersion }}
- --tls-min-version={{ . }}
{{- end }}
{{- if index .root.Values.tls (printf "%sMetricsTLSSecret" .component) }}
- --metrics-cert-dir=/etc/invar/metrics-tls
{{- end }}
{{- end }}

{{/* Beside a speaker of MetalLB none of ours may run: each would take the other for a stranger that uses its addresses. Where
`invarctl migrate` has left Pods without their DaemonSet, ours waits on that node, and starts when they are gone. One term:
the scheduler (1.36) looks again after a deletion only where the Pod that went matches every term. */}}
{{- define "invar.afterMetalLB" -}}
podAntiAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          invar.dev/left-by: metallb
{{- end }}

{{/* A controller of MetalLB that runs in the namespace. Nothing is seen by `helm template`. */}}
{{- define "invar.runningMetalLB" -}}
{{- range (lookup "apps/v1" "Deployment" .Release.Namespace "").items }}
{{- $labels := default dict .metadata.labels }}
{{- $isController := has "controller" (list (get $labels "component") (get $labels "app.kubernetes.io/component")) }}
{{- if and $isController (gt (int .spec.replicas) 0) (regexMatch "metallb/" (index .spec.template.spec.containers 0).image) }}{{ .metadata.name }} {{ end }}
{{- end }}
{{- end }}

{{/* Labels, and annotations by which helm makes an object before it removes the release, and takes it away again. */}}
{{- define "invar.beforeDeletion" -}}
labels:
  {{- include "invar.commonLabels" .root | nindent 2 }}
annotations:
  helm.sh/hook: pre-delete
  helm.sh/hook-weight: {{ .weight | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* Combinations that would install something that does not work. */}}
{{- define "invar.guards" -}}
{{- with include "invar.runningMetalLB" . | trim }}
{{- fail (printf "MetalLB's controller runs in namespace %s (Deployment %s), and two that write the addresses of Services undo each other's work. Run: invarctl migrate from-metallb" $.Release.Namespace .) }}
{{- end }}
{{- if and .Values.controller.podDisruptionBudget.enabled (lt (int .Values.controller.replicas) 2) }}
{{- fail "controller.podDisruptionBudget.enabled keeps one replica, and controller.replicas is less than 2: no node with the controller could be drained. Set controller.replicas=2, or leave the budget out." }}
{{- end }}
{{- $labels := default dict (dig "metadata" "labels" dict (lookup "v1" "Namespace" "" .Release.Namespace)) }}
{{- $enforced := get $labels "pod-security.kubernetes.io/enforce" }}
{{- if and .Values.speaker.enabled (has $enforced (list "baseline" "restricted")) }}
{{- fail (printf "namespace %s enforces the pod security standard %q, under which no speaker may run: it needs the host's network and NET_RAW. Run: kubectl label namespace %s --overwrite pod-security.kubernetes.io/enforce=privileged" .Release.Namespace $enforced .Release.Namespace) }}
{{- end }}
{{- if and (not .Values.speaker.memberlist.enabled) .Values.speaker.nodeSelector .Values.speaker.enabled }}
{{- fail "speaker.memberlist.enabled=false needs an empty speaker.nodeSelector: without heartbeats every node counts as a live candidate, and addresses would be given to nodes where no speaker runs. Remove speaker.nodeSelector, or leave speaker.memberlist.enabled at true." }}
{{- end }}
{{- $monitors := or .Values.prometheus.podMonitor.enabled .Values.prometheus.serviceMonitor.enabled }}
{{- if and .Values.prometheus.podMonitor.enabled .Values.prometheus.serviceMonitor.enabled }}
{{- fail "prometheus.podMonitor.enabled and prometheus.serviceMonitor.enabled are both true: every series would be scraped twice. Choose one." }}
{{- end }}
{{- if and $monitors .Values.prometheus.rbacPrometheus (or (not .Values.prometheus.serviceAccount) (not .Values.prometheus.namespace)) }}
{{- fail "prometheus.serviceAccount and prometheus.namespace are needed to let Prometheus read the metrics. Set both, or set prometheus.rbacPrometheus=false and grant the rights yourself." }}
{{- end }}
{{- range $component := list "controller" "speaker" }}
{{- $values := index $.Values $component }}
{{- if and $values.livenessProbe.enabled $values.readinessProbe.enabled (ne (int $values.livenessProbe.port) (int $values.readinessProbe.port)) }}
{{- fail (printf "%s.livenessProbe.port is %v and %s.readinessProbe.port is %v: one port serves both. Set them to the same port." $component $values.livenessProbe.port $component $values.readinessProbe.port) }}
{{- end }}
{{- end }}
{{- end }}
