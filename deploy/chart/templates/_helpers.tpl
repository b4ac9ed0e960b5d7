{{- define "pinsetter.name" -}}
{{- if contains "pinsetter" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-pinsetter" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "pinsetter.selector" -}}
app.kubernetes.io/name: pinsetter
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ ternary "serve" "run" (eq .Values.mode "serve") }}
{{- end }}

{{- define "pinsetter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "pinsetter.selector" . }}
{{- end }}

{{- define "pinsetter.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion | replace "+" "_" }}{{ end }}
{{- end }}

{{- define "pinsetter.account" -}}
{{ .Values.serviceAccount.name | default (ternary (include "pinsetter.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- /* Combinations of values that the schema can't refuse. */}}
{{- define "pinsetter.check" -}}
{{- if not (or .Values.objects.sources .Values.objects.configMap) }}
{{- fail "say where the objects are: objects.sources (git+https://HOST/REPO//FOLDER) or objects.configMap" }}
{{- end }}
{{- if and (eq .Values.mode "shards") (eq .Values.state.type "volume") }}
{{- fail "mode shards needs a state that pods share: state.type postgres" }}
{{- end }}
{{- if and (eq .Values.mode "serve") (ne .Values.state.type "postgres") (gt (int .Values.serve.replicas) 1) }}
{{- fail "serve.replicas above 1 needs a state that pods share: state.type postgres" }}
{{- end }}
{{- if and .Values.serve.ingress.enabled (eq .Values.mode "serve") (not .Values.serve.ingress.host) }}
{{- fail "serve.ingress needs a host" }}
{{- end }}
{{- end }}

{{- /* The arguments of the container: the command, and its flags. */}}
{{- define "pinsetter.args" -}}
{{- if eq .Values.mode "serve" }}
- serve
- --listen=:8080
- --hooks-listen=:9292
- --auth-file=/users/htpasswd
{{- if ne .Values.state.type "none" }}
- --leader-elect
{{- end }}
{{- else }}
- run
- --timeout={{ .Values.schedule.timeout }}
{{- if eq .Values.mode "shards" }}
- --shard=/{{ .Values.shards.count }} # the index is JOB_COMPLETION_INDEX, which Kubernetes sets
{{- end }}
{{- end }}
{{- range .Values.objects.sources }}
- {{ printf "--filename=%s" . | quote }}
{{- end }}
{{- if .Values.objects.configMap }}
- --filename=/objects
{{- end }}
{{- if .Values.secrets }}
- --secrets=/secrets
{{- end }}
{{- range $i, $token := .Values.registryTokens }}
- {{ printf "--registry-token-file=%s=/tokens/%d/token" (empty $token.user | ternary $token.host (printf "%s@%s" $token.user $token.host)) $i | quote }}
{{- end }}
- --log-level={{ .Values.logLevel }}
- --log-format=json
{{- range concat .Values.extraArgs (ternary .Values.serve.args list (eq .Values.mode "serve")) }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{- /* Not empty where a pod that goes on caches what it fetched, and no state is beside. */}}
{{- define "pinsetter.cached" -}}
{{- if and (eq .Values.mode "serve") (eq .Values.state.type "postgres") }}yes{{ end }}
{{- end }}

{{- define "pinsetter.env" -}}
- name: PINSETTER_STATE
{{- if eq .Values.state.type "postgres" }}
  valueFrom:
    secretKeyRef: {name: {{ .Values.state.postgres.secretName }}, key: {{ .Values.state.postgres.secretKey }}}
{{- else if eq .Values.state.type "volume" }}
  value: sqlite:/var/lib/pinsetter/state.db
{{- else }}
  value: none
{{- end }}
{{- if .Values.git.host }}
- name: PINSETTER_GIT_HOST
  value: {{ .Values.git.host | quote }}
- name: PINSETTER_GIT_USERNAME
  value: {{ .Values.git.username | quote }}
- name: PINSETTER_GIT_TOKEN
  valueFrom:
    secretKeyRef: {name: {{ .Values.git.secretName }}, key: {{ .Values.git.secretKey }}}
{{- end }}
{{- if include "pinsetter.cached" . }}
- name: XDG_CACHE_HOME # for what was fetched of Git
  value: /var/cache
{{- end }}
- name: GOMEMLIMIT
  value: {{ .Values.memoryLimit }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The pod's spec, but for restartPolicy. */}}
{{- define "pinsetter.pod" -}}
{{- include "pinsetter.check" . }}
serviceAccountName: {{ include "pinsetter.account" . }}
automountServiceAccountToken: false
enableServiceLinks: false # their variables may begin with PINSETTER_, as flags do
terminationGracePeriodSeconds: 120 # a push that has begun is finished
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: pinsetter
    image: {{ include "pinsetter.image" . | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
      {{- include "pinsetter.args" . | trim | nindent 6 }}
    env:
      {{- include "pinsetter.env" . | nindent 6 }}
    {{- if eq .Values.mode "serve" }}
    ports:
      - {name: http, containerPort: 8080}
      - {name: hooks, containerPort: 9292}
    startupProbe: # objects are fetched before the server answers
      httpGet: {path: /healthz, port: http}
      periodSeconds: 5
      failureThreshold: 60
    livenessProbe:
      httpGet: {path: /healthz, port: http}
      periodSeconds: 10
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      httpGet: {path: /readyz, port: http}
      periodSeconds: 10
      timeoutSeconds: 5
    {{- end }}
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    volumeMounts:
      {{- range $i, $secret := .Values.secrets }}
      - {name: secret-{{ $i }}, mountPath: /secrets/{{ $secret.namespace }}/{{ $secret.name }}, readOnly: true}
      {{- end }}
      {{- range $i, $token := .Values.registryTokens }}
      - {name: token-{{ $i }}, mountPath: /tokens/{{ $i }}, readOnly: true}
      {{- end }}
      {{- if .Values.objects.configMap }}
      - {name: objects, mountPath: /objects, readOnly: true}
      {{- end }}
      {{- if eq .Values.mode "serve" }}
      - {name: users, mountPath: /users, readOnly: true}
      {{- end }}
      {{- if eq .Values.state.type "volume" }}
      - {name: state, mountPath: /var/lib/pinsetter}
      {{- else if include "pinsetter.cached" . }}
      - {name: cache, mountPath: /var/cache}
      {{- end }}
      - {name: tmp, mountPath: /tmp}
volumes:
  {{- range $i, $secret := .Values.secrets }}
  - name: secret-{{ $i }}
    secret: {secretName: {{ $secret.secretName | default $secret.name }}, defaultMode: 0440}
  {{- end }}
  {{- range $i, $token := .Values.registryTokens }}
  - name: token-{{ $i }}
    projected:
      defaultMode: 0440
      sources:
        - serviceAccountToken: {path: token, audience: {{ $token.audience | default $token.host | quote }}}
  {{- end }}
  {{- if .Values.objects.configMap }}
  - name: objects
    configMap: {name: {{ .Values.objects.configMap }}}
  {{- end }}
  {{- if eq .Values.mode "serve" }}
  - name: users # key htpasswd: who may see the status page
    secret: {secretName: {{ .Values.serve.usersSecret }}, defaultMode: 0440}
  {{- end }}
  {{- if include "pinsetter.cached" . }}
  - name: cache
    emptyDir: {sizeLimit: 2Gi}
  {{- end }}
  {{- if eq .Values.state.type "volume" }}
  - name: state
    persistentVolumeClaim: {claimName: {{ .Values.state.volume.existingClaim | default (include "pinsetter.name" .) }}}
  {{- end }}
  - name: tmp
    emptyDir: {sizeLimit: 1Gi}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "pinsetter.podmeta" -}}
labels:
  {{- include "pinsetter.selector" . | nindent 2 }}
  {{- with .Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
