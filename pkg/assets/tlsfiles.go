package assets

import (
	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
)

// CompleteServerBundle and LocalhostBundle are what clients of the API server trust.
var (
	CompleteServerBundle = bundle("kube-apiserver-complete-server-ca-bundle", LBSigner, LocalhostSigner,
		ServiceNetworkSigner)
	LocalhostBundle = bundle("kube-apiserver-localhost-ca-bundle", LocalhostSigner)
)

// bundles are the authorities that servers and clients on the bootstrap host trust.
var bundles = []asset.Asset[[]byte]{
	bundle("admin-kubeconfig-ca-bundle", AdminSigner),
	bundle("aggregator-ca-bundle", AggregatorSigner),
	bundle("kube-apiserver-lb-ca-bundle", LBSigner),
	LocalhostBundle,
	bundle("kube-apiserver-service-network-ca-bundle", ServiceNetworkSigner),
	bundle("kube-apiserver-to-kubelet-ca-bundle", ToKubeletSigner),
	bundle("kubelet-bootstrap-kubeconfig-ca-bundle", KubeletBootstrapCA),
	bundle("kubelet-client-ca-bundle", KubeletSigner),
	bundle("kubelet-serving-ca-bundle", KubeletSigner),
	bundle("kube-control-plane-ca-bundle", ControlPlaneSigner, LBSigner, LocalhostSigner, ServiceNetworkSigner),
	CompleteServerBundle,
	bundle("kube-apiserver-complete-client-ca-bundle", AdminSigner, KubeletSigner, ControlPlaneSigner,
		ToKubeletSigner, KubeletBootstrapCA),
}

func bundle(name string, cas ...asset.Asset[pki.Pair]) asset.Asset[[]byte] {
	return asset.FromAll("tls/"+name, cas,
		func(_ asset.Env, cas []pki.Pair) ([]byte, error) { return pki.Bundle(cas...), nil }, asset.Transient())
}

// withheld are pairs that must not leave the installer, because they give access to the
// cluster for ten years. The bootstrap host gets the root CA's certificate without key.
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

var bundleFiles = asset.FromAll("bootstrap-bundles", bundles, func(_ asset.Env, values [][]byte) (asset.Files, error) {
	var files asset.Files
	for i, cas := range values {
		files = append(files, asset.NewFile(bundles[i].Name()+".crt", cas))
	}
	return files, nil
}, asset.Transient())

// TLSFiles is tls/ on the bootstrap host.
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

// JournalFiles let the user read the journal that the bootstrap host serves.
var JournalFiles = asset.From1("journal-gatewayd-files", JournalGatewayd,
	func(_ asset.Env, p pki.Pair) (asset.Files, error) {
		name := JournalGatewayd.Name()
		return asset.Files{asset.NewFile(name+".crt", p.Cert), asset.NewFile(name+".key", p.Key)}, nil
	})
