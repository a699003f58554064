package assets

import (
	"net/netip"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
)

// The certificate authorities. Those of a day are replaced by the cluster's
// operators; bootstrap.ign must be used while they are valid.
var (
	RootCA               = authority("root-ca", decade)
	AdminSigner          = givenAuthority("admin-kubeconfig-signer")
	LBSigner             = givenAuthority("kube-apiserver-lb-signer")
	LocalhostSigner      = givenAuthority("kube-apiserver-localhost-signer")
	ServiceNetworkSigner = givenAuthority("kube-apiserver-service-network-signer")
	ToKubeletSigner      = authority("kube-apiserver-to-kubelet-signer", year)
	ControlPlaneSigner   = authority("kube-control-plane-signer", year)
	KubeletBootstrapCA   = authority("kubelet-bootstrap-kubeconfig-signer", decade)
	KubeletSigner        = authority("kubelet-signer", day)
	AggregatorSigner     = authority("aggregator-signer", day)
	AggregatorCA         = lasting("tls/aggregator-ca", day, newAuthority(aggregator))
)

const bootstrapperGroup = "system:serviceaccounts:openshift-machine-config-operator"

var (
	aggregator   = pki.Name{Common: "aggregator", Unit: "bootkube"}
	admin        = pki.Name{Common: "system:admin", Organization: []string{"system:masters"}}
	apiServer    = pki.Name{Common: "system:kube-apiserver", Organization: []string{"kube-master"}}
	apiProxy     = pki.Name{Common: "system:kube-apiserver-proxy", Organization: []string{"kube-master"}}
	configServer = pki.Name{Common: "system:machine-config-server"}
	journal      = pki.Name{Common: "journal-gatewayd", Organization: []string{"OpenShift Bootstrap"}}
	bootstrapper = pki.Name{
		Common:       "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper",
		Organization: []string{bootstrapperGroup, "system:serviceaccounts"},
	}
	ironic       = pki.Name{Common: "ironic", Unit: "openshift"}
	localhostIPs = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	serviceNames = []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		"openshift", "openshift.default", "openshift.default.svc", "openshift.default.svc.cluster.local",
	}
	serverAndUser = pki.Server | pki.Client
)

// The leaves whose content does not depend on the cluster.
var (
	AdminClient             = givenClient("admin-kubeconfig-client", AdminSigner, admin)
	BootstrapAdmin          = leaf("bootstrap-admin-client", AdminSigner, admin, day, pki.Client)
	JournalGatewayd         = leaf("journal-gatewayd", RootCA, journal, decade, serverAndUser)
	ToKubeletClient         = leaf("kube-apiserver-to-kubelet-client", ToKubeletSigner, apiServer, year, pki.Client)
	ControllerManagerClient = leaf(
		"kube-control-plane-kube-controller-manager-client", ControlPlaneSigner, admin, year, pki.Client)
	SchedulerClient = leaf(
		"kube-control-plane-kube-scheduler-client", ControlPlaneSigner, admin, year, pki.Client)
	KubeletClient    = leaf("kubelet-client", KubeletBootstrapCA, bootstrapper, decade, pki.Client)
	APIProxy         = leaf("apiserver-proxy", AggregatorCA, apiProxy, day, pki.Client)
	AggregatorClient = leaf("aggregator-client", AggregatorSigner, apiProxy, day, pki.Client)
)

// machineConfigServerKey is made beside the root CA, not after it: no other keys
// are needed for manifests, and the user waits for them.
var machineConfigServerKey = asset.From0("tls/machine-config-server-key", func(asset.Env) ([]byte, error) {
	key, err := pki.NewKey()
	if err != nil {
		return nil, err
	}
	return pki.EncodeKey(key), nil
})

// The leaves that carry names and addresses of the cluster.
var (
	MachineConfigServer = asset.From3("tls/machine-config-server", RootCA, Names, machineConfigServerKey,
		func(env asset.Env, ca pki.Pair, n NameSet, text []byte) (pki.Pair, error) {
			key, err := pki.ParseKey(text)
			if err != nil {
				return pki.Pair{}, err
			}
			return ca.IssueFor(env.Now, key, pki.Leaf{
				Name: configServer, Life: pki.TenYears, Usage: pki.Server, DNS: []string{n.APIInt}, IPs: n.APIVIPs,
			})
		})
	LBServer = named("kube-apiserver-lb-server", LBSigner, day, func(n NameSet) pki.Leaf {
		return apiLeaf([]string{n.API}, nil)
	})
	InternalLBServer = named("kube-apiserver-internal-lb-server", LBSigner, day, func(n NameSet) pki.Leaf {
		return apiLeaf([]string{n.APIInt}, nil)
	})
	LocalhostServer = named("kube-apiserver-localhost-server", LocalhostSigner, day, func(NameSet) pki.Leaf {
		return apiLeaf([]string{"localhost"}, localhostIPs)
	})
	ServiceNetworkServer = named("kube-apiserver-service-network-server", ServiceNetworkSigner, day,
		func(n NameSet) pki.Leaf { return apiLeaf(serviceNames, n.Services) })
)

// IronicTLS is what the bootstrap host of a bare-metal cluster serves virtual
// media with. Elsewhere it is empty.
var IronicTLS = asset.From2("tls/ironic/tls", ironicNames, Lifetimes,
	func(env asset.Env, n ironicHost, l lifetimes) (pki.Pair, error) {
		if n.Name == "" {
			return pki.Pair{}, nil
		}
		return pki.NewSelfSigned(env.Now, pki.Leaf{
			Name: ironic, Life: l.Day, Usage: pki.Server, DNS: []string{n.Name}, IPs: n.Addresses,
		})
	})

type ironicHost struct {
	Name      string       `json:"name"` // empty where there is no Ironic
	Addresses []netip.Addr `json:"addresses"`
}

var ironicNames = asset.From2("ironic-names", Config, Names,
	func(_ asset.Env, in Input, n NameSet) (ironicHost, error) {
		if in.On.MediaServer == nil {
			return ironicHost{}, nil
		}
		more, serves := in.On.MediaServer(in.InstallConfig)
		if !serves {
			return ironicHost{}, nil
		}
		return ironicHost{n.APIInt, slices.Concat(n.APIVIPs, more)}, nil
	}, asset.Transient())

func apiLeaf(names []string, ips []netip.Addr) pki.Leaf {
	return pki.Leaf{Name: apiServer, Usage: pki.Server, DNS: names, IPs: ips, Chain: true}
}

func authority(name string, l life) asset.Asset[pki.Pair] {
	return lasting("tls/"+name, l, newAuthority(pki.Name{Common: name, Unit: "openshift"}))
}

func newAuthority(name pki.Name) func(asset.Env, time.Duration) (pki.Pair, error) {
	return func(env asset.Env, life time.Duration) (pki.Pair, error) {
		return pki.NewAuthority(env.Now, name, life)
	}
}

func leaf(
	name string, ca asset.Asset[pki.Pair], subject pki.Name, l life, usage pki.Usage,
) asset.Asset[pki.Pair] {
	return lasting1("tls/"+name, ca, l, func(env asset.Env, ca pki.Pair, life time.Duration) (pki.Pair, error) {
		return ca.Issue(env.Now, pki.Leaf{Name: subject, Life: life, Usage: usage})
	})
}

func named(name string, ca asset.Asset[pki.Pair], l life, of func(NameSet) pki.Leaf) asset.Asset[pki.Pair] {
	return asset.From3("tls/"+name, ca, Names, Lifetimes,
		func(env asset.Env, ca pki.Pair, n NameSet, ls lifetimes) (pki.Pair, error) {
			leaf := of(n)
			leaf.Life = ls.of(l)
			return ca.Issue(env.Now, leaf)
		})
}

// ServiceAccountKey signs the tokens of service accounts.
var ServiceAccountKey = asset.From0("tls/service-account", func(asset.Env) (keyPair, error) {
	key, err := pki.NewKey()
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
