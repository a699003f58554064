//go:build integration

package runtimecfg

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// TestPrograms has the real programs check the golden files.
func TestPrograms(t *testing.T) {
	n := newNetwork(t, 10)
	golden, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"keepalived-bootstrap.conf", "keepalived-master.conf", "keepalived-worker.conf"} {
		n.run("ip", "netns", "exec", n.ns(10), "keepalived", "-t", "-f", filepath.Join(golden, f))
	}
	n.run("haproxy", "-c", "-f", filepath.Join(golden, "haproxy.cfg"))
}

// TestRedirect switches the redirection on and off and connects from outside
// and from the machine itself.
func TestRedirect(t *testing.T) {
	n := newNetwork(t, 10, 99)
	n.run("ip", "-n", n.ns(10), "addr", "add", vip+"/32", "dev", "host0")
	go greet(n.listen(10, ":6443"), "server")
	go greet(n.listen(10, ":9445"), "balancer")
	nft := filepath.Join(t.TempDir(), "nft")
	script := "#!/bin/sh\nexec ip netns exec " + n.ns(10) + " nft \"$@\"\n"
	if err := os.WriteFile(nft, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	r := Rules{NFT: nft, VIP: vip, From: 6443, To: 9445}
	ctx := context.Background()
	for _, c := range []struct {
		set  func(context.Context) error
		want string
	}{{r.Off, "server"}, {r.On, "balancer"}, {r.On, "balancer"}, {r.Off, "server"}} {
		if err := c.set(ctx); err != nil {
			t.Fatal(err)
		}
		for _, from := range []int{10, 99} {
			if got, err := n.ask(from, vip+":6443"); err != nil || got != c.want {
				t.Errorf("from machine %d: %q, %v; want %s", from, got, err, c.want)
			}
		}
		if got, err := n.ask(99, addr(10)+":6443"); err != nil || got != "server" {
			t.Errorf("the machine's own address: %q, %v; want server", got, err)
		}
	}
}

// TestDrop removes a leftover VIP and nothing else.
func TestDrop(t *testing.T) {
	n := newNetwork(t, 10)
	n.run("ip", "-n", n.ns(10), "addr", "add", vip+"/32", "dev", "host0")
	n.run("ip", "-n", n.ns(10), "addr", "add", ingressVIP+"/32", "dev", "host0")
	for range 2 {
		if err := n.within(10, func() error {
			return Drop([]netip.Addr{netip.MustParseAddr(vip), netip.MustParseAddr(addr(10))})
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(n.holders(vip, 10)) != 0 || len(n.holders(ingressVIP, 10)) != 1 {
		t.Error(n.run("ip", "-n", n.ns(10), "addr"))
	}
	if _, err := n.ask(10, addr(10)+":1"); err == nil {
		t.Error("something listens on port 1")
	}
}
