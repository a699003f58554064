//go:build integration

package uplink

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/netns"
	"github.com/okd-install/okd-install/pkg/lab/network"
	"github.com/okd-install/okd-install/pkg/lab/network/networktest"
)

// A machine may be switched on before the DHCP server is up.
func TestLeaseFromALateServer(t *testing.T) {
	lab := network.Lab{Name: fmt.Sprintf("lease%d", os.Getpid())}
	if err := lab.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lab.Down(context.WithoutCancel(t.Context())) }()
	dir := t.TempDir()
	c := network.Cable{
		ID: "m", Namespace: filepath.Join(dir, "ns"), Interface: "ens3", MAC: "52:54:00:00:00:01",
	}
	if err := netns.Create(c.Namespace); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = netns.Delete(c.Namespace) }()
	if err := (network.Switch{Namespace: network.File(lab.Namespace())}).Attach(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := netns.IP(t.Context(), c.Namespace, "link set "+c.Interface+" up"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	var lease *dhcpv4.DHCPv4
	granted := make(chan error, 1)
	go func() {
		granted <- netns.Do(c.Namespace, func() (err error) {
			lease, err = requestLease(ctx, clock.Real(), c.Interface)
			return err
		})
	}()
	<-time.After(time.Second) // no server answers the first requests
	networktest.StartDHCP(t, dir, network.File(lab.Namespace()))
	if err := <-granted; err != nil {
		t.Fatal(err)
	}
	if got := address(lease).String(); !strings.HasPrefix(got, "198.18.0.1") || !strings.HasSuffix(got, "/24") {
		t.Errorf("address %s", got)
	}
	if got := string(resolvConf(lease)); !strings.Contains(got, "nameserver 198.18.0.1\n") {
		t.Errorf("resolv.conf %q", got)
	}
	if r := lease.Router(); len(r) != 1 || r[0].String() != "198.18.0.1" {
		t.Errorf("routers %v", r)
	}
	// dnsmasq knows the lease by the identifier that the system's client sends, too.
	if b, err := os.ReadFile(filepath.Join(dir, "dnsmasq.leases")); err != nil ||
		!strings.Contains(string(b), " 01:"+c.MAC) {
		t.Errorf("leases %q, %v", b, err)
	}
}
