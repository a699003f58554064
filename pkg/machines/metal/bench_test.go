package metal

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/lab/bmc"
	"github.com/okd-install/okd-install/pkg/lab/bmc/bmctest"
	"github.com/okd-install/okd-install/pkg/lab/bmc/vendor"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/secret"
)

var (
	benchBMCs  = flag.Int("bmcs", 500, "number of BMCs of BenchmarkBoot")
	benchServe = flag.Bool("serve-bmcs", false, "be the process of the BMCs of BenchmarkBoot")
)

// Hosts of the benchmark are on after 20 to 40 s, as servers are, and their BMCs take 0.1 s for an answer.
const (
	fastestPower, slowestPower = 20 * time.Second, 40 * time.Second
	benchAnswer                = "bmc-slow=100ms"
)

// BenchmarkBoot takes many hosts of all vendors to on from our medium, in real time. Their BMCs are another process.
// First the slowest one is started alone. hack/bench-metal.sh runs it.
func BenchmarkBoot(b *testing.B) {
	if *benchServe {
		serveBMCs(b, *benchBMCs)
		return
	}
	image := filepath.Join(b.TempDir(), "agent.iso")
	if err := os.WriteFile(image, bmctest.ISO("agent"), 0o600); err != nil {
		b.Fatal(err)
	}
	opts := Options{Clock: clock.Real(), Log: slog.New(slog.DiscardHandler), Media: machines.Media{Address: "127.0.0.1"}}
	pl := plan.Plan{InfraID: infraID, Objects: []plan.Object{{
		Key: "medium/x", Kind: plan.KindMedium, Name: "x", Stage: plan.StageImage, Spec: plan.Medium{}}}}
	urls := startBMCs(b, *benchBMCs)
	for i, url := range urls {
		name := fmt.Sprintf("host-%d", i)
		opts.Hosts = append(opts.Hosts, Host{Host: config.Host{Name: name, BootMACAddress: mac(i), BMC: config.BMC{
			Address: address(url), Username: bmctest.User, Password: secret.New(bmctest.Password),
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
		few.Hosts = opts.Hosts[len(urls)-min(len(urls), len(vendor.Names())):]
		few.TakeRunning = true
		alone := slowest(b, New(few).Provider(nil, fetch), pl)
		alone = min(alone, slowest(b, New(few).Provider(nil, fetch), pl)) // the machine may have been busy
		p := New(opts).Provider(event.SinkFunc(func(e event.Event) {
			if e.Level >= slog.LevelWarn {
				b.Log(event.Sentence(e))
			}
		}), fetch)
		begun, cpu := time.Now(), cpuTime(b)
		if err := p.Apply(b.Context(), pl, plan.StageInfrastructure); err != nil {
			b.Fatal(err)
		}
		all := time.Since(begun)
		b.ReportMetric((cpuTime(b) - cpu).Seconds(), "cpu-s")
		b.ReportMetric(alone.Seconds(), "slowest-alone-s")
		b.ReportMetric(all.Seconds(), "all-s")
		b.ReportMetric(all.Seconds()/alone.Seconds(), "ratio")
		b.ReportMetric(float64(peakKiB(b))/1024, "peak-MiB")
		if err := p.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// serveBMCs serves BMCs until its input ends.
func serveBMCs(b *testing.B, n int) {
	b.Helper()
	var urls []string
	for i := range n {
		profile := vendor.Names()[i%len(vendor.Names())]
		power := fastestPower + (slowestPower-fastestPower)*time.Duration(i)/time.Duration(max(n-1, 1))
		s := bmctest.Serve(b, profile, func(c *bmc.Config) {
			h := c.Host.(*bmctest.Host)
			facts := h.Facts()
			facts.UUID, facts.MACs = uuid(i), []string{mac(i)}
			c.Host, c.Profile.Power.On, c.Profile.Power.Off = &face{h, facts}, power, power
			c.Profile.Media.Verify = vendor.VerifyNever // the server of the medium is this machine
			c.Profile.Power.OnAfterOff = 0              // those that were started alone have just been switched off
		})
		if err := s.Break(b.Context(), benchAnswer); err != nil {
			b.Fatal(err)
		}
		urls = append(urls, s.URL)
	}
	if err := json.NewEncoder(os.NewFile(3, "list")).Encode(urls); err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		b.Fatal(err)
	}
	os.Exit(0) // the sessions of 500 BMCs need no farewell
}

// startBMCs starts the process of the BMCs, and returns their URLs.
func startBMCs(b *testing.B, n int) (urls []string) {
	b.Helper()
	list, theirs, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer list.Close()
	c := exec.CommandContext(context.WithoutCancel(b.Context()), os.Args[0], "-test.run=^$",
		"-test.bench=^BenchmarkBoot$", "-test.benchtime=1x", "-serve-bmcs", "-bmcs", strconv.Itoa(n))
	c.ExtraFiles, c.Stderr = []*os.File{theirs}, os.Stderr
	input, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(c.Start(), theirs.Close()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(input.Close(), c.Wait()); err != nil {
			b.Error(err)
		}
	})
	if err := json.NewDecoder(list).Decode(&urls); err != nil || len(urls) != n {
		b.Fatalf("%d BMCs: %v", len(urls), err)
	}
	return urls
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

// cpuTime is the time that the process has computed.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
