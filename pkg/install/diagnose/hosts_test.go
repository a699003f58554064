package diagnose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
	"github.com/okd-install/okd-install/pkg/types"
)

// The masters are those of the platform under their own addresses, and those
// that are planned.
func TestMastersOf(t *testing.T) {
	addrs := func(list ...string) (out []netip.Addr) {
		for _, a := range list {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	cfg := &types.InstallConfig{
		Platform: types.Platform{Settings: &config.Platform{
			APIVIPs: addrs("198.18.0.10"), IngressVIPs: addrs("198.18.0.11"),
		}},
		Networking: &types.Networking{
			MachineNetwork: []types.MachineNetworkEntry{{CIDR: netip.MustParsePrefix("198.18.0.0/24")}},
		},
	}
	found := []machines.Machine{
		{Name: "m0", Role: "master", Addresses: addrs("10.88.0.1", "198.18.0.10", "198.18.0.21")},
		{Name: "w0", Role: "worker", Addresses: addrs("198.18.0.31")},
		{Name: "m1", Role: "master"},
	}
	got := fmt.Sprint(mastersOf(found, []string{"m0", "m1", "m2"}, cfg))
	if want := "[m0 (198.18.0.21) m1 m2]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	got = fmt.Sprint(mastersOf(found[:1], nil, &types.InstallConfig{}))
	if got != "[m0 (10.88.0.1, 198.18.0.10, 198.18.0.21)]" {
		t.Errorf("without an install-config: %s", got)
	}
}

// Where the machines are the user's, the cluster itself may know the address of
// the bootstrap host.
func TestFindHosts(t *testing.T) {
	cluster := kubetest.New(t)
	cluster.Put("/api/v1/namespaces/openshift-etcd/configmaps/etcd-endpoints",
		[]byte("metadata: {annotations: {alpha.installer.openshift.io/etcd-bootstrap: 198.18.0.20}}"))
	api, err := kube.New(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	e := &install.Env{
		Dir: t.TempDir(), Clock: clock.Real(), Sink: event.Discard, Getenv: func(key string) string { return env[key] },
		Platforms: platforms.All(),
	}
	data, err := json.Marshal(assets.Metadata{ClusterName: "demo", ClusterID: "1", InfraID: "demo-1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.Path(install.MetadataFile), data, 0o600); err != nil {
		t.Fatal(err)
	}
	found := hostsOf(e, api, &types.InstallConfig{}, []string{"demo-1-master-0"}).Find(t.Context())
	if !slices.Equal(found.Bootstrap, []string{"198.18.0.20"}) || len(found.Masters) != 0 || found.Platform != nil {
		t.Errorf("%+v", found)
	}
	env["OPENSHIFT_INSTALL_BOOTSTRAP_NODE_IP"] = "198.18.0.99"
	hosts := hostsOf(e, nil, &types.InstallConfig{}, nil)
	if found := hosts.Find(t.Context()); !slices.Equal(found.Bootstrap, []string{"198.18.0.99"}) {
		t.Errorf("without an API: %+v", found)
	}
	guess := hostsOf(e, api, &types.InstallConfig{}, nil).Guess()
	if !slices.Equal(guess, []string{"198.18.0.99", "127.0.0.1"}) {
		t.Errorf("without asking: %v", guess)
	}
}

// While a cluster is created, the platform knows the bootstrap host, and the API's
// virtual address is its own.
func TestHostsOfANewCluster(t *testing.T) {
	vip := netip.MustParseAddr("198.18.0.10")
	h := Hosts{
		Named:  "203.0.113.7",
		Config: &types.InstallConfig{Platform: types.Platform{Settings: &config.Platform{APIVIPs: []netip.Addr{vip}}}},
		Machines: func(context.Context) ([]machines.Machine, error) {
			return []machines.Machine{{Role: machines.Bootstrap,
				Addresses: []netip.Addr{netip.MustParseAddr("198.18.0.20")}}}, nil
		},
	}
	found := h.Find(t.Context())
	if want := []string{"203.0.113.7", "198.18.0.20", "198.18.0.10"}; !slices.Equal(found.Bootstrap, want) {
		t.Errorf("%v, want %v", found.Bootstrap, want)
	}
	h.Machines = func(context.Context) ([]machines.Machine, error) { return nil, errors.New("broken") }
	if found := h.Find(t.Context()); found.Platform == nil || len(found.Bootstrap) != 2 {
		t.Errorf("a platform that does not say: %+v", found)
	}
}

func TestAddressesOf(t *testing.T) {
	found := []machines.Machine{
		{Role: "master", Addresses: []netip.Addr{netip.MustParseAddr("198.18.0.101"), netip.MustParseAddr("fd00::1")}},
		{Role: "worker", Addresses: []netip.Addr{netip.MustParseAddr("198.18.0.102")}},
		{Role: "bootstrap"},
	}
	if got := strings.Join(addressesOf(found, "master"), " "); got != "198.18.0.101 fd00::1" {
		t.Errorf("masters %q", got)
	}
	if got := addressesOf(found, "bootstrap"); len(got) != 0 {
		t.Errorf("bootstrap %v", got)
	}
}
