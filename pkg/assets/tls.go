package assets

import (
	"net/netip"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
)

// The certificate authorities. Those of a day are replaced by the cluster's
// operators; bootstrap.ign must be used while they are valid.
var (
	RootCA               = authority("root-ca", pki.TenYears)
	AdminSigner          = authority("admin-kubeconfig-signer", pki.TenYears)
	LBSigner             = authority("kube-apiserver-lb-signer", pki.TenYears)
	LocalhostSigner      = authority("kube-apiserver-localhost-signer", pki.TenYears)
	ServiceNetworkSigner = authority("kube-apiserver-service-network-signer", pki.TenYears)
	ToKubeletSigner      = authority("kube-apiserver-to-kubelet-signer", pki.Year)
	ControlPlaneSigner   = authority("kube-control-plane-signer", pki.Year)
	KubeletBootstrapCA   = authority("kubelet-bootstrap-kubeconfig-signer", pki.TenYears)
	KubeletSigner        = authority("kubelet-signer", pki.Day)
	AggregatorSigner     = authority("aggregator-signer", pki.Day)
	AggregatorCA         = asset.From0("tls/aggregator-ca", func(env asset.Env) (pki.Pair, error) {
		return pki.NewAuthority(env.Rand, env.Now, pki.Name{Common: "aggregator", Unit: "bootkube"}, pki.Day)
	})
)

const bootstrapperGroup = "system:serviceaccounts:openshift-machine-config-operator"

var (
	admin         = pki.Name{Common: "system:admin", Organization: []string{"system:masters"}}
	apiServer     = pki.Name{Common: "system:kube-apiserver", Organization: []string{"kube-master"}}
	apiProxy      = pki.Name{Common: "system:kube-apiserver-proxy", Organization: []string{"kube-master"}}
	configServer  = pki.Name{Common: "system:machine-config-server"}
	journal       = pki.Name{Common: "journal-gatewayd", Organization: []string{"OpenShift Bootstrap"}}
	bootstrapper  = pki.Name{Common: "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper", Organization: []string{bootstrapperGroup, "system:serviceaccounts"}}
	localhostIPs  = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	serviceNames  = []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "openshift", "openshift.default", "openshift.default.svc", "openshift.default.svc.cluster.local"}
	serverAndUser = pki.Server | pki.Client
)

// The leaves whose content does not depend on the cluster.
var (
	AdminClient             = leaf("admin-kubeconfig-client", AdminSigner, admin, pki.TenYears, serverAndUser)
	JournalGatewayd         = leaf("journal-gatewayd", RootCA, journal, pki.TenYears, serverAndUser)
	ToKubeletClient         = leaf("kube-apiserver-to-kubelet-client", ToKubeletSigner, apiServer, pki.Year, pki.Client)
	ControllerManagerClient = leaf("kube-control-plane-kube-controller-manager-client", ControlPlaneSigner, admin, pki.Year, pki.Client)
	SchedulerClient         = leaf("kube-control-plane-kube-scheduler-client", ControlPlaneSigner, admin, pki.Year, pki.Client)
	KubeletClient           = leaf("kubelet-client", KubeletBootstrapCA, bootstrapper, pki.TenYears, pki.Client)
	APIProxy                = leaf("apiserver-proxy", AggregatorCA, apiProxy, pki.Day, pki.Client)
	AggregatorClient        = leaf("aggregator-client", AggregatorSigner, apiProxy, pki.Day, pki.Client)
)

// The leaves that carry names and addresses of the cluster.
var (
	MachineConfigServer = named("machine-config-server", RootCA, func(n NameSet) pki.Leaf {
		return pki.Leaf{Name: configServer, Life: pki.TenYears, Usage: pki.Server, DNS: []string{n.APIInt}, IPs: n.APIVIPs}
	})
	LBServer = named("kube-apiserver-lb-server", LBSigner, func(n NameSet) pki.Leaf {
		return apiLeaf([]string{n.API}, nil)
	})
	InternalLBServer = named("kube-apiserver-internal-lb-server", LBSigner, func(n NameSet) pki.Leaf {
		return apiLeaf([]string{n.APIInt}, nil)
	})
	LocalhostServer = named("kube-apiserver-localhost-server", LocalhostSigner, func(NameSet) pki.Leaf {
		return apiLeaf([]string{"localhost"}, localhostIPs)
	})
	ServiceNetworkServer = named("kube-apiserver-service-network-server", ServiceNetworkSigner, func(n NameSet) pki.Leaf {
		return apiLeaf(serviceNames, n.Services)
	})
)

func apiLeaf(names []string, ips []netip.Addr) pki.Leaf {
	return pki.Leaf{Name: apiServer, Life: pki.Day, Usage: pki.Server, DNS: names, IPs: ips, Chain: true}
}

func authority(name string, life time.Duration) asset.Asset[pki.Pair] {
	return asset.From0("tls/"+name, func(env asset.Env) (pki.Pair, error) {
		return pki.NewAuthority(env.Rand, env.Now, pki.Name{Common: name, Unit: "openshift"}, life)
	})
}

func leaf(name string, ca asset.Asset[pki.Pair], subject pki.Name, life time.Duration, usage pki.Usage) asset.Asset[pki.Pair] {
	return asset.From1("tls/"+name, ca, func(env asset.Env, ca pki.Pair) (pki.Pair, error) {
		return ca.Issue(env.Rand, env.Now, pki.Leaf{Name: subject, Life: life, Usage: usage})
	})
}

func named(name string, ca asset.Asset[pki.Pair], of func(NameSet) pki.Leaf) asset.Asset[pki.Pair] {
	return asset.From2("tls/"+name, ca, Names, func(env asset.Env, ca pki.Pair, n NameSet) (pki.Pair, error) {
		return ca.Issue(env.Rand, env.Now, of(n))
	})
}

// ServiceAccountKey signs the tokens of service accounts.
var ServiceAccountKey = asset.From0("tls/service-account", func(env asset.Env) (keyPair, error) {
	key, err := pki.NewKey(env.Rand)
	if err != nil {
		return keyPair{}, err
	}
	public, err := pki.EncodePublicKey(&key.PublicKey)
	return keyPair{Key: pki.EncodeKey(key), Public: public}, err
})

type keyPair struct {
	Key    []byte `json:"key"`
	Public []byte `json:"public"`
}
