package bundle

import (
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/okd-install/okd-install/pkg/lab/virt/hco"
	"github.com/okd-install/okd-install/pkg/lab/virt/hpp"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
	"github.com/okd-install/okd-install/pkg/lab/virt/ssp"
)

// operator is a deployment of the bundle.
type operator struct {
	name     string // of the deployment
	account  string
	command  string
	part     string // app.kubernetes.io/component
	env      map[string]string
	fields   map[string]string // variables from the pod's fields
	health   int32
	path     string // of the health check
	critical bool   // needs the priority class that hco-operator makes
}

func operators(r hco.Release, images Images) []operator {
	versions := map[string]string{
		hco.VersionVariable: r.Version, "KUBEVIRT_VERSION": r.KubeVirt, "CDI_VERSION": r.CDI,
		"NETWORK_ADDONS_VERSION": r.NetworkAddons, "SSP_VERSION": r.SSP, "HPPO_VERSION": r.HostPath, "AAQ_VERSION": r.Quota,
		"OPERATOR_NAMESPACE": hco.Namespace, "KVM_EMULATION": "",
	}
	own := map[string]string{"POD_NAME": "metadata.name"}
	namespace := "metadata.namespace"
	return []operator{
		{name: "hco-operator", account: "hyperconverged-cluster-operator", command: "hyperconverged-cluster-operator",
			part: "deployment", env: versions, fields: own, health: 6060, path: "/readyz"},
		{name: "hco-webhook", account: "hyperconverged-cluster-operator", command: "hyperconverged-cluster-webhook",
			part: "deployment", env: versions, fields: own, health: 6060, path: "/readyz"},
		{name: "hyperconverged-cluster-cli-download", account: "hyperconverged-cluster-cli-download",
			command: "hyperconverged-cluster-cli-download", part: "deployment", health: 8080, path: "/health"},
		{name: "cluster-network-addons-operator", account: "cluster-network-addons-operator",
			command: "cluster-network-addons-operator", part: "network", health: 8081, path: "/readyz",
			env: map[string]string{"OPERATOR_VERSION": r.NetworkAddons, "LINUX_BRIDGE_MARKER_IMAGE": images.Virt,
				"CNI_BIN_DIR": images.Plugins}, fields: map[string]string{"OPERAND_NAMESPACE": namespace}},
		{name: "ssp-operator", account: "ssp-operator", command: "ssp-operator", part: "schedule", health: 9440,
			path: "/readyz", env: map[string]string{"OPERATOR_VERSION": r.SSP},
			fields: map[string]string{"POD_NAMESPACE": namespace}},
		{name: "cdi-operator", account: "cdi-operator", command: "cdi-operator", part: "storage", health: 8444,
			path: "/readyz", critical: true, env: map[string]string{"OPERATOR_VERSION": r.CDI,
				"CONTROLLER_IMAGE": images.Virt, "IMPORTER_IMAGE": images.Virt},
			fields: map[string]string{"POD_NAMESPACE": namespace}},
		{name: "hostpath-provisioner-operator", account: "hostpath-provisioner-operator",
			command: "hostpath-provisioner-operator", part: "storage", health: 6060, path: "/readyz", critical: true,
			env:    map[string]string{"OPERATOR_VERSION": r.HostPath, "PROVISIONER_IMAGE": images.Virt},
			fields: map[string]string{"WATCH_NAMESPACE": namespace}},
		{name: "aaq-operator", account: "aaq-operator", command: "aaq-operator", part: "quota-management", health: 8444,
			path: "/readyz", critical: true, env: map[string]string{"OPERATOR_VERSION": r.Quota}},
	}
}

// deployments are those of facts 1a.
func deployments(r hco.Release, kv KubeVirt, images Images) []any {
	var out []any
	for _, o := range operators(r, images) {
		out = append(out, map[string]any{"name": o.name, "label": o.labels(r), "spec": o.spec(r, images.Virt)})
	}
	return append(out, map[string]any{"name": "virt-operator", "spec": kv.Deployment,
		"label": operator{part: "compute"}.labels(r)})
}

func (o operator) labels(r hco.Release) map[string]string {
	out := map[string]string{
		"app.kubernetes.io/component": o.part, "app.kubernetes.io/managed-by": "olm",
		"app.kubernetes.io/part-of": "hyperconverged-cluster", "app.kubernetes.io/version": r.Version,
	}
	if o.name != "" {
		out["name"] = o.command
	}
	return out
}

func (o operator) spec(r hco.Release, image string) appsv1.DeploymentSpec {
	one, no, yes := int32(1), false, true
	var env []corev1.EnvVar
	for _, name := range sorted(o.env) {
		env = append(env, corev1.EnvVar{Name: name, Value: o.env[name]})
	}
	for _, name := range sorted(o.fields) {
		env = append(env, corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: o.fields[name]},
		}})
	}
	class := "system-cluster-critical"
	if o.critical {
		class = control.PriorityClass
	}
	return appsv1.DeploymentSpec{
		Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"name": o.command}},
		Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: o.labels(r)},
			Spec: corev1.PodSpec{
				ServiceAccountName: o.account, PriorityClassName: class,
				SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes,
					SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
				Containers: []corev1.Container{{
					Name: o.command, Image: image, Command: []string{o.command}, Env: env, ImagePullPolicy: corev1.PullIfNotPresent,
					SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no,
						Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
					TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
					ReadinessProbe: &corev1.Probe{PeriodSeconds: 2, ProbeHandler: corev1.ProbeHandler{
						HTTPGet: &corev1.HTTPGetAction{Path: o.path, Port: intstr.FromInt32(o.health)},
					}},
				}},
			},
		},
	}
}

// clusterPermissions: everything, as for most of the lab's operators; KubeVirt's are its own.
func clusterPermissions(kv KubeVirt) []any {
	all := []rbacv1.PolicyRule{
		{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}},
		{NonResourceURLs: []string{"*"}, Verbs: []string{"*"}},
	}
	out := []any{map[string]any{"serviceAccountName": kv.ServiceAccount, "rules": kv.ClusterRules}}
	seen := map[string]bool{}
	for _, o := range operators(hco.Release{}, Images{}) {
		if !seen[o.account] {
			out = append(out, map[string]any{"serviceAccountName": o.account, "rules": all})
		}
		seen[o.account] = true
	}
	return out
}

// webhooks are those of the bundle; the lifecycle manager gives them names and certificates.
func webhooks(r hco.Release) []any {
	hook := func(
		name, kind, deployment, path string, port int32, group, version, resource string, operations ...any,
	) map[string]any {
		return map[string]any{
			"generateName": name, "type": kind, "deploymentName": deployment, "webhookPath": path,
			"containerPort": port, "targetPort": port, "failurePolicy": "Fail", "sideEffects": "None", "timeoutSeconds": 10,
			"admissionReviewVersions": []any{"v1beta1", "v1"},
			"rules": []any{map[string]any{"apiGroups": []any{group}, "apiVersions": []any{version},
				"resources": []any{resource}, "operations": operations}},
		}
	}
	const mutating, validating = "MutatingAdmissionWebhook", "ValidatingAdmissionWebhook"
	namespaces := hook("mutate-ns-hco.kubevirt.io", mutating, "hco-webhook", hco.NamespacePath, hco.WebhookPort, "", "v1",
		"namespaces", "DELETE")
	own := map[string]any{"kubernetes.io/metadata.name": hco.Namespace}
	namespaces["objectSelector"] = map[string]any{"matchLabels": own}
	namespaces["sideEffects"] = "NoneOnDryRun"
	mutate := hook("mutate-hyperconverged-hco.kubevirt.io", mutating, "hco-webhook", hco.MutatePath, hco.WebhookPort,
		"hco.kubevirt.io", "v1beta1", "hyperconvergeds", "CREATE", "UPDATE")
	mutate["sideEffects"] = "NoneOnDryRun"
	out := []any{
		hook("validate-hco.kubevirt.io", validating, "hco-webhook", hco.ValidatePath, hco.WebhookPort,
			"hco.kubevirt.io", "v1beta1", "hyperconvergeds", "CREATE", "DELETE", "UPDATE"),
		namespaces, mutate,
		hook("validation.v1beta2.ssp.kubevirt.io", validating, "ssp-operator", ssp.ValidateOldPath, ssp.WebhookPort,
			"ssp.kubevirt.io", "v1beta2", "ssps", "CREATE", "UPDATE"),
		hook("validation.v1beta3.ssp.kubevirt.io", validating, "ssp-operator", ssp.ValidatePath, ssp.WebhookPort,
			"ssp.kubevirt.io", "v1beta3", "ssps", "CREATE", "UPDATE"),
		hook("validate-hostpath-provisioner.kubevirt.io", validating, "hostpath-provisioner-operator", hpp.ValidatePath,
			hpp.WebhookPort, "hostpathprovisioner.kubevirt.io", "v1beta1", "hostpathprovisioners", "CREATE", "UPDATE"),
	}
	if r.V1 {
		out = append(out, map[string]any{
			"generateName": "convert-hco.kubevirt.io", "type": "ConversionWebhook", "deploymentName": "hco-webhook",
			"webhookPath": hco.ConvertPath, "containerPort": hco.WebhookPort, "targetPort": hco.WebhookPort,
			"sideEffects": "None", "admissionReviewVersions": []any{"v1"},
			"conversionCRDs": []any{"hyperconvergeds.hco.kubevirt.io"},
		})
	}
	return out
}

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
