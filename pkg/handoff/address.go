package handoff

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// bootstrapAnnotation is where the etcd operator keeps the address of the
// bootstrap host for as long as it has an etcd member.
const bootstrapAnnotation = "alpha.installer.openshift.io/etcd-bootstrap"

// BootstrapAddress is the address of the bootstrap host as the cluster knows it,
// empty if it does not.
func BootstrapAddress(ctx context.Context, api *kube.Client) string {
	var cm corev1.ConfigMap
	ref := kube.Ref{Kind: kube.ConfigMaps, Namespace: "openshift-etcd", Name: "etcd-endpoints"}
	if err := api.Get(ctx, ref, &cm); err != nil {
		return ""
	}
	return cm.Annotations[bootstrapAnnotation]
}
