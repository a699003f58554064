package assets

import (
	"crypto/rsa"
	"net/netip"
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
)

// The certificate authorities. The cluster's operators replace those of a day, so
// bootstrap.ign must be used while they are valid.
var (
	RootCA               = authority("root-ca", pki.TenYears)
	AdminSigner          = loadableAuthority("admin-kubeconfig-signer")
	LBSigner             = loadableAuthority("kube-apiserver-lb-signer")
	LocalhostSigner      = loadableAuthority("kube-apiserver-localhost-signer")
	ServiceNetworkSigner = loadableAuthority("kube-apiserver-service-network-signer")
	ToKubeletSigner      = authority("kube-apiserver-to-kubelet-signer", pki.Year)
	ControlPlaneSigner   = authority("kube-control-plane-signer", pki.Year)
	KubeletBootstrapCA   = authority("kubelet-bootstrap-kubeconfig-signer", pki.TenYears)
	KubeletSigner        = authority("kubelet-signer", pki.Day)
	AggregatorSigner     = authority("aggregator-signer", pki.Day)
	AggregatorCA         = namedAuthority("tls/aggregator-ca", aggregator, pki.Day)
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

// The certificates that more than the bootstrap host's files are made from.
var (
	AdminClient     = loadableClient("admin-kubeconfig-client", AdminSigner, admin)
	BootstrapAdmin  = leaf("bootstrap-admin-client", AdminSigner, admin, pki.Day, pki.Client)
	JournalGatewayd = leaf("journal-gatewayd", RootCA, journal, pki.TenYears, serverAndUser)
	KubeletClient   = leaf("kubelet-client", KubeletBootstrapCA, bootstrapper, pki.TenYears, pki.Client)
	LBServer        = server("kube-apiserver-lb-server", LBSigner,
		func(n NameSet) ([]string, []netip.Addr) { return []string{n.API}, nil })
	LocalhostServer = server("kube-apiserver-localhost-server", LocalhostSigner,
		func(NameSet) ([]string, []netip.Addr) { return []string{"localhost"}, localhostIPs })
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
)

// pairs are the certificates of the bootstrap host.
var pairs = []asset.Asset[pki.Pair]{
	RootCA, AdminSigner, LBSigner, LocalhostSigner, ServiceNetworkSigner, ToKubeletSigner, ControlPlaneSigner,
	KubeletBootstrapCA, KubeletSigner, AggregatorSigner, AggregatorCA,
	AdminClient, JournalGatewayd,
	leaf("kube-apiserver-to-kubelet-client", ToKubeletSigner, apiServer, pki.Year, pki.Client),
	leaf("kube-control-plane-kube-controller-manager-client", ControlPlaneSigner, admin, pki.Year, pki.Client),
	leaf("kube-control-plane-kube-scheduler-client", ControlPlaneSigner, admin, pki.Year, pki.Client),
	KubeletClient,
	leaf("apiserver-proxy", AggregatorCA, apiProxy, pki.Day, pki.Client),
	leaf("aggregator-client", AggregatorSigner, apiProxy, pki.Day, pki.Client),
	MachineConfigServer, LBServer,
	server("kube-apiserver-internal-lb-server", LBSigner,
		func(n NameSet) ([]string, []netip.Addr) { return []string{n.APIInt}, nil }),
	LocalhostServer,
	server("kube-apiserver-service-network-server", ServiceNetworkSigner,
		func(n NameSet) ([]string, []netip.Addr) { return serviceNames, n.Services }),
	ironicTLS,
}

// machineConfigServerKey is made in parallel to the root CA: manifests need only these
// two keys, and the user waits for them.
var machineConfigServerKey = asset.From0("tls/machine-config-server-key", func(asset.Env) ([]byte, error) {
	key, err := pki.NewKey()
	if err != nil {
		return nil, err
	}
	return pki.EncodeKey(key), nil
})

// ironicTLS is what the bootstrap host of a bare-metal cluster serves virtual media
// with. It is empty on other platforms.
var ironicTLS = asset.From2("tls/ironic/tls", ironicNames, Lifetimes,
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
	func(_ asset.Env, in Input, n NameSet) (host ironicHost, _ error) {
		if in.On.MediaServer != nil {
			if more, serves := in.On.MediaServer(in.InstallConfig); serves {
				host = ironicHost{n.APIInt, slices.Concat(n.APIVIPs, more)}
			}
		}
		return host, nil
	}, asset.Transient())

func authority(name string, life time.Duration) asset.Asset[pki.Pair] {
	return namedAuthority("tls/"+name, pki.Name{Common: name, Unit: "openshift"}, life)
}

// namedAuthority is a CA that depends on Lifetimes only if they apply to it.
func namedAuthority(name string, subject pki.Name, life time.Duration) asset.Asset[pki.Pair] {
	if life == pki.TenYears {
		return asset.From0(name, func(env asset.Env) (pki.Pair, error) { return pki.NewAuthority(env.Now, subject, life) })
	}
	return asset.From1(name, Lifetimes, func(env asset.Env, l lifetimes) (pki.Pair, error) {
		return pki.NewAuthority(env.Now, subject, l.of(life))
	})
}

func leaf(
	name string, ca asset.Asset[pki.Pair], subject pki.Name, life time.Duration, usage pki.Usage,
) asset.Asset[pki.Pair] {
	issue := func(env asset.Env, ca pki.Pair, life time.Duration) (pki.Pair, error) {
		return ca.Issue(env.Now, pki.Leaf{Name: subject, Life: life, Usage: usage})
	}
	if life == pki.TenYears {
		return asset.From1("tls/"+name, ca,
			func(env asset.Env, ca pki.Pair) (pki.Pair, error) { return issue(env, ca, life) })
	}
	return asset.From2("tls/"+name, ca, Lifetimes,
		func(env asset.Env, ca pki.Pair, l lifetimes) (pki.Pair, error) { return issue(env, ca, l.of(life)) })
}

// server is a certificate of the API server, which it has for a day.
func server(
	name string, ca asset.Asset[pki.Pair], of func(NameSet) ([]string, []netip.Addr),
) asset.Asset[pki.Pair] {
	return asset.From3("tls/"+name, ca, Names, Lifetimes,
		func(env asset.Env, ca pki.Pair, n NameSet, l lifetimes) (pki.Pair, error) {
			names, ips := of(n)
			return ca.Issue(env.Now, pki.Leaf{
				Name: apiServer, Life: l.Day, Usage: pki.Server, DNS: names, IPs: ips, Chain: true,
			})
		})
}

// ServiceAccountKey signs the tokens of service accounts.
var ServiceAccountKey = asset.From0("tls/service-account", func(asset.Env) (keyPair, error) {
	key, err := pki.NewKey()
	if err != nil {
		return keyPair{}, err
	}
	return pairOf(key)
})

type keyPair struct {
	Key    []byte `json:"key"`
	Public []byte `json:"public"`
}

func pairOf(key *rsa.PrivateKey) (keyPair, error) {
	public, err := pki.EncodePublicKey(&key.PublicKey)
	return keyPair{Key: pki.EncodeKey(key), Public: public}, err
}

type lifetimes struct {
	Year time.Duration `json:"year"`
	Day  time.Duration `json:"day"`
}

func (l lifetimes) of(life time.Duration) time.Duration {
	switch life {
	case pki.Year:
		return l.Year
	case pki.Day:
		return l.Day
	}
	return life
}

// Lifetimes are those of the certificates that the cluster renews by itself. The
// feature gate ShortCertRotation shortens them, to test the renewal.
var Lifetimes = asset.From2("certificate-lifetimes", Config, AgentBased,
	func(_ asset.Env, c Input, agentBased bool) (lifetimes, error) {
		switch {
		case slices.Contains(c.FeatureGates, "ShortCertRotation=true"):
			return lifetimes{Year: 2 * time.Hour, Day: time.Hour}, nil
		case agentBased:
			return lifetimes{Year: pki.Year, Day: agentDay}, nil
		}
		return lifetimes{Year: pki.Year, Day: pki.Day}, nil
	}, asset.Transient())
