package types_test

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/platforms"
)

// manyHosts is an install-config of n bare-metal hosts, each with its network.
func manyHosts(n int) []byte {
	var b strings.Builder
	b.WriteString(common)
	fmt.Fprintf(&b, "networking: {machineNetwork: [{cidr: 10.0.0.0/8}], clusterNetwork: [{cidr: 172.16.0.0/14}]}\n")
	fmt.Fprintf(&b, "compute: [{name: worker, replicas: %d}]\n", n-3)
	b.WriteString("platform:\n  baremetal:\n    apiVIPs: [10.0.0.10]\n    ingressVIPs: [10.0.0.11]\n    " +
		"provisioningNetwork: Disabled\n    hosts:\n")
	for i := range n {
		fmt.Fprintf(&b, `    - name: host-%d
      bootMACAddress: 52:54:00:%02x:%02x:%02x
      bmc: {address: "redfish-virtualmedia://10.2.%d.%d/redfish/v1/Systems/1", username: admin, password: %s}
      rootDeviceHints: {deviceName: /dev/sda}
      networkConfig:
        interfaces:
        - {name: eth0, type: ethernet, state: up, mtu: 9000,
           ipv4: {enabled: true, address: [{ip: 10.3.%d.%d, prefix-length: 8}]}}
        routes: {config: [{destination: 0.0.0.0/0, next-hop-address: 10.0.0.1, next-hop-interface: eth0}]}
`, i, i>>16, i>>8&255, i&255, i/250, i%250+1, bmcSecret, i/250, i%250+1)
	}
	return []byte(b.String())
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("hosts=%d", n), func(b *testing.B) {
			data := manyHosts(n)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if c, r := platforms.All().Load("c.yaml", data); c == nil {
					b.Fatal(r.Err())
				}
			}
		})
	}
}

// Ten times the hosts take about ten times the processor and the memory;
// quadratic work would take a hundred times as much. Wall-clock time says nothing on a
// busy machine.
func TestHostsScaleLinearly(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	cost := func(n int) (time.Duration, uint64) {
		data := manyHosts(n)
		best, memory := time.Hour, uint64(0)
		for range 3 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := processorTime(t)
			if c, r := platforms.All().Load("c.yaml", data); c == nil {
				t.Fatal(r.Err())
			}
			best = min(best, processorTime(t)-start)
			runtime.ReadMemStats(&after)
			memory = after.TotalAlloc - before.TotalAlloc
		}
		return best, memory
	}
	small, smallMemory := cost(300)
	large, largeMemory := cost(3000)
	t.Logf("300 hosts %v and %d KiB, 3000 hosts %v and %d KiB", small, smallMemory>>10, large, largeMemory>>10)
	if large > 30*small || largeMemory > 15*smallMemory {
		t.Error("not linear")
	}
}

// processorTime is what this process has used so far.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// As many findings as hosts must not take longer either.
func TestManyFindings(t *testing.T) {
	data := strings.ReplaceAll(string(manyHosts(2000)), "mtu: 9000", "mtu: '9000'")
	start := time.Now()
	c, r := platforms.All().Load("c.yaml", []byte(data))
	if c != nil || len(r.Lines(false)) != 2000 {
		t.Errorf("%d findings", len(r.Lines(false)))
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}
