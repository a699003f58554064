// Package types is install-config.yaml: its schema, defaults and rules.
//
// The structs are the schema. A field's json tag is its key in YAML, its doc
// comment is what `explain` prints, and FieldFacts reads its other tags.
package types

import (
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
)

// APIVersion is the version that new install-configs have.
const APIVersion = "v1"

// InstallConfig describes the cluster that is to be made.
//
// Load returns it with every default filled in.
type InstallConfig struct {
	// APIVersion is the version of this file's format. One of v1, v1beta4,
	// v1beta3; the last two are read as v1.
	APIVersion string `json:"apiVersion" required:"true" enum:"v1,v1beta4,v1beta3" enumcheck:"validate"`
	// Kind is the kind of this file. Default: none. Only InstallConfig is allowed.
	Kind string `json:"kind,omitempty" enum:"InstallConfig"`
	// Metadata names the cluster.
	Metadata Metadata `json:"metadata" required:"true"`
	// BaseDomain is the DNS domain below which the cluster's names are, as in
	// api.<metadata.name>.<baseDomain>.
	BaseDomain string `json:"baseDomain" required:"true" pattern:"domain"`

	// AdditionalTrustBundle is certificates of authorities that every machine
	// trusts in addition to those of the operating system. Default: none. PEM, any
	// number of certificates.
	AdditionalTrustBundle string `json:"additionalTrustBundle,omitempty" pattern:"certificate"`
	// AdditionalTrustBundlePolicy says when the cluster uses additionalTrustBundle:
	// only for a proxy, or always. Default: Proxyonly. One of Proxyonly, Always.
	AdditionalTrustBundlePolicy TrustBundlePolicy `json:"additionalTrustBundlePolicy,omitempty" enum:"Proxyonly,Always" refuse:"Invalid" default:"Proxyonly"` //nolint:lll // A tag cannot be wrapped.
	// SSHKey is the public key that lets you log in to every machine as user core.
	// Default: none. Lines as in authorized_keys.
	SSHKey string `json:"sshKey,omitempty"`
	// PullSecret is the logins of the registries that images come from. JSON with
	// the key auths, as in ~/.docker/config.json.
	PullSecret secret.String `json:"pullSecret" required:"true" pattern:"json-object"`

	// Networking is the addresses of machines, pods and services.
	Networking *Networking `json:"networking,omitempty"`
	// ControlPlane is the machines that run the cluster's API and etcd.
	ControlPlane *MachinePool `json:"controlPlane,omitempty"`
	// Arbiter is machines that only complete the majority of etcd, next to two
	// control-plane machines. Default: none. Platform baremetal only, since release
	// 4.20.
	Arbiter *MachinePool `json:"arbiter,omitempty"`
	// Compute is the machines that run the workload. Default: one pool, worker, of
	// three machines. At most that one pool.
	Compute []MachinePool `json:"compute,omitempty" maxitems:"1"`
	// Platform is where the machines are.
	Platform Platform `json:"platform" required:"true"`

	// Proxy is the cluster-wide proxy. Default: none.
	Proxy *Proxy `json:"proxy,omitempty"`
	// ImageDigestSources lists mirrors of image repositories, used for pulls by
	// digest. Default: none. Excludes imageContentSources.
	ImageDigestSources []ImageDigestSource `json:"imageDigestSources,omitempty"`
	// ImageContentSources lists mirrors in the form that releases before 4.13 had.
	// Default: none. It becomes an ImageContentSourcePolicy in the cluster, which
	// newer releases only accept for compatibility.
	ImageContentSources []ImageContentSource `json:"imageContentSources,omitempty" renamed:"imageDigestSources"`
	// Publish says who can reach the cluster's endpoints. Default: External, which
	// is all that these platforms have.
	Publish string `json:"publish,omitempty" enum:"External" enumcheck:"validate" default:"External"`
	// FIPS makes every machine use cryptography of FIPS 140 only. Default: false.
	// The host that runs the installer has to be in FIPS mode too.
	FIPS bool `json:"fips,omitempty" default:"false"`
	// CPUPartitioningMode prepares all machines for pinning workloads to processors.
	// Default: None. One of None, AllNodes. It cannot be changed later.
	CPUPartitioningMode string `json:"cpuPartitioningMode,omitempty" enum:"None,AllNodes" default:"None"`
	// CredentialsMode says how cloud credentials are made. Default: none. These
	// platforms have no such credentials, so it must be left out.
	CredentialsMode string `json:"credentialsMode,omitempty" refused:"true"`
	// BootstrapInPlace installs a single machine without a bootstrap machine.
	// Default: none. For `create single-node-ignition-config` only.
	BootstrapInPlace *BootstrapInPlace `json:"bootstrapInPlace,omitempty"`
	// Capabilities selects the optional components of the cluster. Default: all.
	Capabilities *Capabilities `json:"capabilities,omitempty"`
	// FeatureSet turns on features that are not ready for everybody. Default: none.
	// One of TechPreviewNoUpgrade, DevPreviewNoUpgrade, CustomNoUpgrade, OKD. Only with
	// none and with OKD can the cluster be upgraded. Releases since 4.22 have OKD,
	// which turns on the same as none and cannot be changed back to it.
	FeatureSet string `json:"featureSet,omitempty" enum:"TechPreviewNoUpgrade,DevPreviewNoUpgrade,CustomNoUpgrade,OKD"`
	// FeatureGates turns single features on and off. Default: none. Each is
	// Name=true or Name=false, and featureSet must be CustomNoUpgrade.
	FeatureGates []string `json:"featureGates,omitempty" pattern:"gate"`
	// OperatorPublishing says who can reach single endpoints where publish is
	// Mixed. Default: none. These platforms do not have it.
	OperatorPublishing *OperatorPublishing `json:"operatorPublishingStrategy,omitempty" refused:"true"`
	// OSImageStream selects among several operating systems of a release. Default:
	// none. One of centos-10. Releases since 4.22 know the field, and OKD has only this
	// one, so setting it changes nothing but a label of the hosts.
	OSImageStream string `json:"osImageStream,omitempty" enum:"centos-10"`
	// PKI says what keys the cluster's own authorities have. Default: none. This
	// installer makes RSA keys of 2048 bits, as the reference does by default, and no
	// others, so it must be left out.
	PKI *PKI `json:"pki,omitempty" refused:"true"`

	// oldVIPs are the keys of virtual addresses that the file has in the old form,
	// with the old key for each.
	oldVIPs map[string]string
	// source knows where in the file the fields are, for findings that are made
	// after it was read; nil if there is no file.
	source *report.Report
}

// OSImageStream is the operating system that OKD's releases have.
const OSImageStream = "centos-10"

// Metadata names the cluster. The keys besides name are Kubernetes' own; they
// are accepted because generated files carry them, and mean nothing here.
type Metadata struct {
	// Name is the name of the cluster. A DNS name of at most 54 characters, on
	// platforms ovirt and baremetal without dots.
	Name string `json:"name" required:"true" pattern:"dns-name" maxlength:"54"`
	// GenerateName means nothing here.
	GenerateName string `json:"generateName,omitempty"`
	// Namespace means nothing here.
	Namespace string `json:"namespace,omitempty"`
	// SelfLink means nothing here.
	SelfLink string `json:"selfLink,omitempty"`
	// UID means nothing here.
	UID string `json:"uid,omitempty"`
	// ResourceVersion means nothing here.
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Generation means nothing here.
	Generation int64 `json:"generation,omitempty"`
	// CreationTimestamp means nothing here.
	CreationTimestamp string `json:"creationTimestamp,omitempty" nullable:"true"`
	// DeletionTimestamp means nothing here.
	DeletionTimestamp string `json:"deletionTimestamp,omitempty"`
	// DeletionGracePeriodSeconds means nothing here.
	DeletionGracePeriodSeconds int64 `json:"deletionGracePeriodSeconds,omitempty"`
	// Labels are kept in the cluster's copy of this file.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations are kept in the cluster's copy of this file.
	Annotations map[string]string `json:"annotations,omitempty"`
	// Finalizers mean nothing here.
	Finalizers []string `json:"finalizers,omitempty"`
	// OwnerReferences mean nothing here.
	OwnerReferences []any `json:"ownerReferences,omitempty"`
	// ManagedFields mean nothing here.
	ManagedFields []any `json:"managedFields,omitempty"`
}

// TrustBundlePolicy says who trusts additionalTrustBundle.
type TrustBundlePolicy string

const (
	// TrustProxyOnly uses the bundle only if a proxy is configured.
	TrustProxyOnly TrustBundlePolicy = "Proxyonly"
	// TrustAlways uses the bundle in any case.
	TrustAlways TrustBundlePolicy = "Always"
)

// Proxy is the cluster-wide proxy. One of the two URLs is needed.
type Proxy struct {
	// HTTPProxy is the proxy for http requests. Default: none. An http URL, with
	// user and password if it needs them.
	HTTPProxy string `json:"httpProxy,omitempty" pattern:"http-url"`
	// HTTPSProxy is the proxy for https requests. Default: none. An http or https
	// URL, with user and password if it needs them.
	HTTPSProxy string `json:"httpsProxy,omitempty" pattern:"https-url"`
	// NoProxy is what is reached without the proxy, in addition to the cluster's
	// own names and networks. Default: none. Addresses, networks and domains,
	// separated by commas without spaces; * switches the proxy off.
	NoProxy string `json:"noProxy,omitempty"`
}

// ImageDigestSource lists the mirrors of a repository for pulls by digest.
type ImageDigestSource struct {
	// Source is the repository that has mirrors. A repository without tag and
	// digest, or a registry.
	Source string `json:"source" required:"true" pattern:"repository"`
	// Mirrors are the repositories that have the same images. Default: none.
	// Asked in this order.
	Mirrors []string `json:"mirrors,omitempty" pattern:"repository"`
	// SourcePolicy says whether source is asked where no mirror has an image.
	// Default: AllowContactingSource. One of AllowContactingSource,
	// NeverContactSource. Only where there are mirrors.
	SourcePolicy string `json:"sourcePolicy,omitempty" enum:"AllowContactingSource,NeverContactSource"`
}

// ImageContentSource is the old form of ImageDigestSource.
type ImageContentSource struct {
	// Source is the repository that has mirrors.
	Source string `json:"source" required:"true"`
	// Mirrors are the repositories that have the same images. Default: none.
	Mirrors []string `json:"mirrors,omitempty"`
}

// BootstrapInPlace is single-node installation without a bootstrap machine.
type BootstrapInPlace struct {
	// InstallationDisk is the disk that the machine is installed on. A path like
	// /dev/sda or, safer, /dev/disk/by-id/wwn-0x5000c500a0b1c2d3.
	InstallationDisk string `json:"installationDisk" required:"true"`
}

// Capabilities selects the optional components.
type Capabilities struct {
	// BaselineCapabilitySet is the set of components to start from. vCurrent for all
	// that the release has, None, or v4.11 and later for the set of that release.
	BaselineCapabilitySet string `json:"baselineCapabilitySet,omitempty" enum:"@capability-sets" required:"true"`
	// AdditionalEnabledCapabilities are single components on top of the set.
	// Default: none.
	AdditionalEnabledCapabilities []string `json:"additionalEnabledCapabilities,omitempty" enum:"@capabilities"`
}

// OperatorPublishing sets how single operators publish their endpoints.
type OperatorPublishing struct {
	// Ingress says who can reach routes. Default: External. One of External,
	// Internal.
	Ingress string `json:"ingress,omitempty" enum:"External,Internal"`
	// APIServer says who can reach the API. Default: External. One of External,
	// Internal.
	APIServer string `json:"apiserver,omitempty" enum:"External,Internal"`
}

// PKI says what keys the cluster's own authorities have.
type PKI struct {
	// SignerCertificates is about the authorities that the installer makes.
	SignerCertificates SignerCertificates `json:"signerCertificates"`
}

// SignerCertificates is about the authorities that the installer makes.
type SignerCertificates struct {
	// Key is the kind of their keys.
	Key KeyKind `json:"key"`
}

// KeyKind is a kind of private key.
type KeyKind struct {
	// Algorithm is the algorithm. One of RSA, ECDSA.
	Algorithm string `json:"algorithm,omitempty" enum:"RSA,ECDSA"`
	// RSA is what keys for RSA are like. Default: none.
	RSA *RSAKey `json:"rsa,omitempty"`
	// ECDSA is what keys for ECDSA are like. Default: none.
	ECDSA *ECDSAKey `json:"ecdsa,omitempty"`
}

// RSAKey is a key for RSA.
type RSAKey struct {
	// KeySize is the length in bits, from 2048 to 8192 in steps of 1024.
	KeySize int32 `json:"keySize,omitempty"`
}

// ECDSAKey is a key for ECDSA.
type ECDSAKey struct {
	// Curve is the curve. One of P256, P384, P521.
	Curve string `json:"curve,omitempty" enum:"P256,P384,P521"`
}
