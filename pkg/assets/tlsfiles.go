package assets

import (
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
)

// Bundles of authorities: what a server or client trusts.
var (
	AdminBundle            = bundle("admin-kubeconfig-ca-bundle", AdminSigner)
	AggregatorBundle       = bundle("aggregator-ca-bundle", AggregatorSigner)
	LBBundle               = bundle("kube-apiserver-lb-ca-bundle", LBSigner)
	LocalhostBundle        = bundle("kube-apiserver-localhost-ca-bundle", LocalhostSigner)
	ServiceNetworkBundle   = bundle("kube-apiserver-service-network-ca-bundle", ServiceNetworkSigner)
	ToKubeletBundle        = bundle("kube-apiserver-to-kubelet-ca-bundle", ToKubeletSigner)
	KubeletBootstrapBundle = bundle("kubelet-bootstrap-kubeconfig-ca-bundle", KubeletBootstrapCA)
	KubeletClientBundle    = bundle("kubelet-client-ca-bundle", KubeletSigner)
	KubeletServingBundle   = bundle("kubelet-serving-ca-bundle", KubeletSigner)
	ControlPlaneBundle     = bundle("kube-control-plane-ca-bundle", ControlPlaneSigner, LBSigner, LocalhostSigner,
		ServiceNetworkSigner)
	CompleteServerBundle = bundle("kube-apiserver-complete-server-ca-bundle", LBSigner, LocalhostSigner,
		ServiceNetworkSigner)
	CompleteClientBundle = bundle("kube-apiserver-complete-client-ca-bundle", AdminSigner, KubeletSigner,
		ControlPlaneSigner, ToKubeletSigner, KubeletBootstrapCA)
)

// certs is a bundle as one file below tls/.
type certs struct {
	File string `json:"file"`
	PEM  []byte `json:"pem"`
}

func bundle(name string, cas ...asset.Asset[pki.Pair]) asset.Asset[certs] {
	return asset.FromAll("tls/"+name, cas, func(_ asset.Env, cas []pki.Pair) (certs, error) {
		return certs{File: "tls/" + name + ".crt", PEM: pki.Bundle(cas...)}, nil
	}, asset.Transient())
}

var pairs = []asset.Asset[pki.Pair]{
	RootCA, AdminSigner, LBSigner, LocalhostSigner, ServiceNetworkSigner, ToKubeletSigner, ControlPlaneSigner,
	KubeletBootstrapCA, KubeletSigner, AggregatorSigner, AggregatorCA,
	AdminClient, JournalGatewayd, ToKubeletClient, ControllerManagerClient, SchedulerClient, KubeletClient,
	APIProxy, AggregatorClient, MachineConfigServer, LBServer, InternalLBServer, LocalhostServer, ServiceNetworkServer,
	IronicTLS,
}

var bundles = []asset.Asset[certs]{
	AdminBundle, AggregatorBundle, LBBundle, LocalhostBundle, ServiceNetworkBundle, ToKubeletBundle,
	KubeletBootstrapBundle, KubeletClientBundle, KubeletServingBundle, ControlPlaneBundle, CompleteServerBundle,
	CompleteClientBundle,
}

// withheld are pairs that must not leave the installer: whoever has them owns
// the cluster for ten years. Of the root CA the bootstrap host gets the
// certificate alone.
var withheld = map[string]bool{
	AdminSigner.Name(): true, AdminClient.Name(): true, KubeletBootstrapCA.Name(): true,
}

var pairFiles = asset.FromAll("bootstrap-pairs", pairs, func(_ asset.Env, values []pki.Pair) (asset.Files, error) {
	var files asset.Files
	for i, p := range values {
		name := pairs[i].Name()
		if withheld[name] || p.Cert == nil {
			continue
		}
		files = append(files, asset.NewFile(name+".crt", p.Cert))
		if name != RootCA.Name() {
			files = append(files, asset.NewFile(name+".key", p.Key))
		}
	}
	return files, nil
}, asset.Transient())

var bundleFiles = asset.FromAll("bootstrap-bundles", bundles, func(_ asset.Env, values []certs) (asset.Files, error) {
	var files asset.Files
	for _, b := range values {
		files = append(files, asset.NewFile(b.File, b.PEM))
	}
	return files, nil
}, asset.Transient())

// TLSFiles is what lies in tls/ on the bootstrap host.
var TLSFiles = asset.From4("bootstrap-tls", pairFiles, bundleFiles, ServiceAccountKey, BoundKey,
	func(_ asset.Env, pairs, bundles asset.Files, sa, bound keyPair) (asset.Files, error) {
		files := asset.Files{
			asset.NewFile("tls/service-account.key", sa.Key), asset.NewFile("tls/service-account.pub", sa.Public),
		}
		if bound.Key != nil {
			files = append(files, asset.NewFile(boundKeyFile, bound.Key),
				asset.NewFile("tls/bound-service-account-signing-key.pub", bound.Public))
		}
		return asset.Merge(pairs, bundles, files), nil
	}, asset.Transient())

// JournalFiles let the user read the journal of a bootstrap host that serves it.
var JournalFiles = asset.From1("journal-gatewayd-files", JournalGatewayd,
	func(_ asset.Env, p pki.Pair) (asset.Files, error) {
		name := JournalGatewayd.Name()
		return asset.Files{asset.NewFile(name+".crt", p.Cert), asset.NewFile(name+".key", p.Key)}, nil
	})
