// Package proof shows that a cluster runs virtual machines: it looks at the parts of KubeVirt, boots a VM, reads its
// console, makes a disk, migrates the VM and connects to it, and removes what it made. What it finds are values.
package proof

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/kube"
)

// The checks, in the order of the report.
const (
	HyperConverged  = "hyperconverged"
	KubeVirt        = "kubevirt"
	Handlers        = "virt-handler"
	Nodes           = "nodes"
	Devices         = "devices"
	CPU             = "cpu"
	Hosts           = "hosts"
	StorageProfiles = "storage-profiles"
	DataSources     = "data-sources"
	Leftovers       = "leftovers"
	Running         = "vm-running"
	Console         = "console"
	Guest           = "guest"
	Volume          = "data-volume"
	Migration       = "live-migration"
	Reachability    = "reachability"
	CleanUp         = "clean-up"
)

// Checks are the names of all checks, in the order of the report.
func Checks() []string {
	return []string{HyperConverged, KubeVirt, Handlers, Nodes, Devices, CPU, Hosts, StorageProfiles, DataSources,
		Leftovers, Running, Console, Guest, Volume, Migration, Reachability, CleanUp}
}

// Optional are the checks that can be left out; the others need each other.
func Optional() []string {
	return []string{HyperConverged, CPU, Hosts, StorageProfiles, DataSources, Console, Guest, Volume, Migration,
		Reachability}
}

// DefaultImage is the container disk that the VM boots: small for a distribution, and it has the guest agent.
const DefaultImage = "quay.io/containerdisks/fedora:latest"

// Options are how the test is done. The zero value is what suits most clusters.
type Options struct {
	// Image is the container disk that the VM boots. Default: DefaultImage.
	Image string
	// Memory of the guest. Default: 1Gi.
	Memory resource.Quantity
	// Ports are TCP ports; the guest must answer on one. Default: 22 and 80.
	Ports []int
	// ProbeImage has bash, with which a pod connects to the guest. Default: that of virt-launcher, which the nodes have.
	ProbeImage string
	// StorageClass is that of the disk. Default: the cluster's default for VMs, else its default.
	StorageClass string
	// Skip are checks to leave out, of those that are Optional.
	Skip []string
	// Timeout is how long the VM may take to start, and its guest to give a sign of life. Default: 5m, and 15m where
	// software emulates the processor.
	Timeout time.Duration
	// Again is the command that repeats the test, for advice.
	Again string
}

// Test is one test of one cluster.
type Test struct {
	API     *kube.Client
	Clock   clock.Clock
	Sink    event.Sink
	Options Options
}

// Run runs the test. A check that fails does not end it: others are skipped only where they need what failed. When ctx
// ends, what was made is still removed.
func (t Test) Run(ctx context.Context) *Report {
	r := t.run()
	r.static(ctx)
	r.dynamic(ctx)
	return r.report(ctx)
}

func (t Test) run() *run {
	r := &run{Test: t, id: strings.ToLower(rand.Text()[:8]), start: t.Clock.Now(), results: map[string]Result{}}
	r.Options = t.Options.complete()
	return r
}

func (o Options) complete() Options {
	if o.Image == "" {
		o.Image = DefaultImage
	}
	if o.Memory.IsZero() {
		o.Memory = resource.MustParse("1Gi")
	}
	if len(o.Ports) == 0 {
		o.Ports = []int{22, 80}
	}
	if o.Again == "" {
		o.Again = "okd-install virtualization test"
	}
	return o
}

// run is a test while it runs.
type run struct {
	Test
	id    string
	start time.Time
	facts facts

	mu      sync.Mutex
	results map[string]Result

	namespace string // made by this run
	uid       string // of the namespace
	console   *console
}

// record does a check and keeps its result.
func (r *run) record(ctx context.Context, name string, check func(context.Context) outcome) {
	begun := r.Clock.Now()
	r.keep(name, r.decide(ctx, name, check), begun)
}

func (r *run) keep(name string, got outcome, begun time.Time) {
	result := Result{Name: name, Status: got.status, Reason: got.reason, Cause: got.cause, Next: got.next,
		Duration: Duration(r.Clock.Now().Sub(begun))}
	r.mu.Lock()
	r.results[name] = result
	r.mu.Unlock()
	say := event.Info
	if result.Status == Failed {
		say = event.Warn
	}
	say(r.Sink, result.line())
}

func (r *run) decide(ctx context.Context, name string, check func(context.Context) outcome) outcome {
	for _, left := range r.Options.Skip {
		if left == name {
			return skipped("left out as asked")
		}
	}
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	return check(ctx)
}

// status is how a check ended, empty if it has not.
func (r *run) status(name string) Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.results[name].Status
}

// skip keeps the result of checks that cannot be done.
func (r *run) skip(ctx context.Context, why string, names ...string) {
	for _, name := range names {
		r.record(ctx, name, func(context.Context) outcome { return skipped("%s", why) })
	}
}

func interrupted(ctx context.Context) outcome {
	if exit.IsInterrupted(ctx) {
		return skipped("interrupted")
	}
	return skipped("the test was ended: %v", context.Cause(ctx))
}

func (r *run) report(ctx context.Context) *Report {
	out := &Report{ID: r.id, Started: r.start.UTC(), Duration: Duration(r.Clock.Now().Sub(r.start)),
		Interrupted: ctx.Err() != nil, Server: r.API.URL(), KubeVirt: r.facts.version, Emulation: r.facts.emulation}
	for _, name := range Checks() {
		if result, known := r.results[name]; known {
			out.Results = append(out.Results, result)
		}
	}
	return out
}
