package metal

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/secret"
)

var benchBMCs = flag.Int("bmcs", 500, "number of BMCs of BenchmarkBoot")

// Hosts of the benchmark are on and off after 20 to 40 s, as servers are, and their BMCs take 0.1 s for an answer.
const (
	fastestPower, slowestPower = 20 * time.Second, 40 * time.Second
	benchAnswer                = "bmc-slow=100ms"
)

// BenchmarkBoot takes many hosts of all vendors to on from our medium, in real time, in the process of their BMCs.
// First the slowest one is started alone. hack/bench-metal.sh runs it.
func BenchmarkBoot(b *testing.B) {
	image := filepath.Join(b.TempDir(), "agent.iso")
	if err := os.WriteFile(image, bmctest.ISO("agent"), 0o600); err != nil {
		b.Fatal(err)
	}
	n := *benchBMCs
	opts := Options{Clock: clock.Real(), Log: slog.New(slog.DiscardHandler), Media: machines.Media{Address: "127.0.0.1"}}
	pl := plan.Plan{InfraID: infraID, Objects: []plan.Object{{
		Key: "medium/x", Kind: plan.KindMedium, Name: "x", Stage: plan.StageImage, Spec: plan.Medium{}}}}
	for i := range n {
		profile := vendor.Names()[i%len(vendor.Names())]
		power := fastestPower + (slowestPower-fastestPower)*time.Duration(i)/time.Duration(max(n-1, 1))
		s := bmctest.Serve(b, profile, func(c *bmc.Config) {
			h := c.Host.(*bmctest.Host)
			facts := h.Facts()
			facts.UUID, facts.MACs = uuid(i), []string{mac(i)}
			c.Host, c.Profile.Power.On, c.Profile.Power.Off = &face{h, facts}, power, power
		})
		if err := s.Break(b.Context(), benchAnswer); err != nil {
			b.Fatal(err)
		}
		name := fmt.Sprintf("host-%d", i)
		opts.Hosts = append(opts.Hosts, Host{Host: config.Host{Name: name, BootMACAddress: mac(i), BMC: config.BMC{
			Address: address(s.URL), Username: bmctest.User, Password: secret.New(bmctest.Password),
			DisableCertificateVerification: true, // each of them has an authority of its own
		}}})
		pl.Objects = append(pl.Objects, plan.Object{Key: plan.KeyOf(plan.KindHost, name), Kind: plan.KindHost, Name: name,
			Stage: plan.StageInfrastructure, Spec: plan.Server{}})
	}
	fetch := func(_ context.Context, i plan.Image) (plan.Image, error) {
		i.Path = image
		return i, nil
	}
	for b.Loop() {
		few := opts
		few.Hosts = opts.Hosts[n-min(n, len(vendor.Names())):]
		few.TakeRunning = true
		alone := slowest(b, New(few).Provider(nil, fetch), pl)
		p := New(opts).Provider(nil, fetch)
		begun := time.Now()
		if err := p.Apply(b.Context(), pl, plan.StageInfrastructure); err != nil {
			b.Fatal(err)
		}
		all := time.Since(begun)
		b.ReportMetric(alone.Seconds(), "slowest-alone-s")
		b.ReportMetric(all.Seconds(), "all-s")
		b.ReportMetric(all.Seconds()/alone.Seconds(), "ratio")
		b.ReportMetric(float64(peakKiB(b))/1024, "peak-MiB")
		if err := p.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// slowest is how long the slowest host takes by itself. It is one of the last of each profile, which are started
// together: one after the other would take too long, and a handful of hosts is not felt.
func slowest(b *testing.B, p *Provider, pl plan.Plan) time.Duration {
	b.Helper()
	few := pl
	few.Objects = append(pl.Objects[:1:1], pl.Objects[len(pl.Objects)-len(p.hosts):]...)
	begun := time.Now()
	if err := p.Apply(b.Context(), few, plan.StageInfrastructure); err != nil {
		b.Fatal(err)
	}
	took := time.Since(begun)
	if left, err := p.Destroy(b.Context(), infraID, machines.Everything); err != nil {
		b.Fatal(left, err)
	}
	if err := p.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	return took
}

// peakKiB is the most memory that the process has had.
func peakKiB(b *testing.B) int {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, is := strings.CutPrefix(line, "VmHWM:"); is {
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	return 0
}
