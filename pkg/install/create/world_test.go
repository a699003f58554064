package create

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"

	hosts "github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/pki/pkitest"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/platforms/none"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

const infraID = "demo-x7k2p"

// world is the environment of create cluster: a platform, a cluster whose API answers
// once the bootstrap host runs, and generated assets. Its clock runs a thousand times as
// fast as the real one.
type world struct {
	t     *testing.T
	env   *install.Env
	clock *clock.Fake
	api   *httptest.Server
	mu    sync.Mutex
	said  []string

	// The platform.
	machines []machines.Machine
	record   machines.Record
	calls    []string // that change something
	depth    int      // stack frames from the command to here
	// during is called within each of these calls.
	during func(call string)

	// The cluster. Conditions in held are never met.
	held  []string
	nodes []string

	// The state.
	drawn                          string
	started, handedOver, begunMark bool
	leftOut                        []string
	operators                      bool   // the cluster has a lifecycle manager
	virtualization                 error  // what is wrong with its configuration
	marked                         func() // called when hosts have begun to install themselves
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), during: func(string) {}}
	w.nodes = []string{"demo-x7k2p-master-0"}
	w.api = httptest.NewTLSServer(w)
	w.env = &install.Env{
		Dir: t.TempDir(), Clock: w.clock, Command: "create cluster", Getenv: func(string) string { return "" },
		Platforms: platforms.List{{
			Assets: none.Assets(), Machines: machines.Platform{Name: none.Name, Plan: w.plan, Connect: w.connect},
		}},
		Sink: event.SinkFunc(func(e event.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.said = append(w.said, e.Message)
		}),
	}
	passes := time.NewTicker(time.Millisecond)
	over := make(chan struct{})
	go func() {
		for {
			select {
			case <-passes.C:
				w.clock.Advance(time.Second)
			case <-over:
				return
			}
		}
	}()
	t.Cleanup(func() { close(over); passes.Stop(); w.api.Close() })
	return w
}

// set changes the world between two commands. A request of the last one may still be
// served, so that this needs the lock.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// hold names the conditions of the cluster that are not met from now on.
func (w *world) hold(conditions ...string) {
	w.set(func() { w.held = conditions })
}

// create runs the command; a budget of zero is each phase's own.
func (w *world) create(ctx context.Context, o Options) error {
	w.set(func() { w.calls, w.said = nil, nil })
	o.open = func(context.Context, *install.Env, install.Opening) (Assets, []byte, error) {
		return state{w}, nil, nil
	}
	o.inspect = func(context.Context, string, release.Options) (*release.Release, error) {
		return &release.Release{Version: "5.0.0-okd-test.1", PullSpec: "quay.test/okd/release"}, nil
	}
	w.env.Getenv = func(key string) string {
		return map[string]string{install.EnvOSImage: "scos"}[key] // a template of the platform
	}
	return Cluster(ctx, w.env, o)
}

func (w *world) saying(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(strings.Join(w.said, "\n"), text)
}

// The platform.

func (w *world) plan(_ assets.Cluster, image plan.Image) (plan.Plan, error) {
	vm := func(name, role string, stage plan.Stage) plan.Object {
		return plan.Object{Key: plan.KeyOf(plan.KindVM, name), Kind: plan.KindVM, Name: name, Stage: stage,
			Spec: plan.VM{Role: role, Template: image.Template}}
	}
	return plan.Plan{InfraID: infraID, Objects: []plan.Object{
		vm("demo-x7k2p-master-0", types.MasterPool, plan.StageInfrastructure),
		vm("demo-x7k2p-bootstrap", machines.Bootstrap, plan.StageBootstrap),
	}}, nil
}

func (w *world) connect(context.Context, machines.Access) (machines.Connection, error) {
	return func(event.Sink, machines.Fetch) machines.Provider { return w }, nil
}

func (w *world) change(ctx context.Context, call string, do func()) error {
	w.during(call)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, call)
	do()
	return nil
}

func (w *world) Preflight(context.Context, plan.Plan) (*report.Report, error) {
	return report.New(install.ConfigFile), nil
}

func (w *world) Diff(_ context.Context, p plan.Plan) (plan.Diff, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []plan.Found
	for _, m := range w.machines {
		found = append(found, plan.Found{Kind: plan.KindVM, Name: m.Name, ID: m.Name})
	}
	return plan.Compare(p, found), nil
}

func (w *world) Apply(ctx context.Context, p plan.Plan, stage plan.Stage) error {
	w.depth = frames()
	return w.change(ctx, "apply "+string(stage), func() {
		w.record.Progress = max(w.record.Progress, machines.Making)
		for _, o := range p.In(stage) {
			has := func(m machines.Machine) bool { return m.Name == o.Name }
			role := o.Spec.(plan.VM).Role
			if role == machines.Bootstrap {
				w.record.Progress = max(w.record.Progress, machines.Begun)
			}
			if !slices.ContainsFunc(w.machines, has) {
				w.machines = append(w.machines, machines.Machine{Name: o.Name, Role: role, Runs: true, Ran: true})
			}
		}
	})
}

// frames counts the stack frames from the command to the caller of frames.
func frames() int {
	pcs := make([]uintptr, 100)
	callers := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for n := 1; ; n++ {
		f, more := callers.Next()
		if !more || strings.HasSuffix(f.Function, "/create.Cluster") {
			return n
		}
	}
}

func (w *world) Destroy(ctx context.Context, _ string, stage plan.Stage) ([]plan.Ref, error) {
	return nil, w.change(ctx, "destroy "+string(stage), func() {
		w.machines = slices.DeleteFunc(w.machines,
			func(m machines.Machine) bool { return m.Role == machines.Bootstrap })
	})
}

func (w *world) Machines(context.Context, string) ([]machines.Machine, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.machines), nil
}

func (w *world) Recorded(context.Context, string) (machines.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.record, nil
}

func (w *world) Record(ctx context.Context, r machines.Record) error {
	return w.change(ctx, "record "+r.Progress.String(), func() { w.record = r })
}

func (w *world) Clusters(context.Context) ([]machines.Record, error) { return nil, nil }

// The cluster.

func (w *world) true(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !slices.Contains(w.held, what)
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	booted := w.record.Progress >= machines.Begun
	w.mu.Unlock()
	if !booted || !w.true("api") {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	kubetest.Installation{
		Bootstrapped: w.true("bootstrap"), EtcdMoved: w.true("etcd"),
		Nodes: w.nodes, NodesReady: w.true("nodes"),
		Installed: true, Settled: w.true("complete"),
		IngressCA: "-----BEGIN CERTIFICATE-----\naW5ncmVzcw==\n-----END CERTIFICATE-----\n", Console: "console.test",
	}.Objects().ServeHTTP(rw, r)
}

func (w *world) kubeconfig() []byte {
	cfg := clientapi.NewConfig()
	c := clientapi.NewCluster()
	c.Server = w.api.URL
	c.CertificateAuthorityData = pkitest.ServerCA(w.api)
	cfg.Clusters["demo"] = c
	x := clientapi.NewContext()
	x.Cluster = "demo"
	cfg.Contexts["demo"], cfg.CurrentContext = x, "demo"
	text, err := clientcmd.Write(*cfg)
	if err != nil {
		w.t.Error(err)
	}
	return text
}

// state is what the installation is generated from and remembered in.
type state struct{ w *world }

// Config is that of a cluster without virtualization, unless it has a lifecycle manager.
func (s state) Config(context.Context) (*types.InstallConfig, error) {
	capabilities := &types.Capabilities{BaselineCapabilitySet: string(configv1.ClusterVersionCapabilitySetNone)}
	if s.w.operators {
		capabilities = nil
	}
	return &types.InstallConfig{
		BaseDomain: "okd.test", Metadata: types.Metadata{Name: "demo"}, Capabilities: capabilities,
		Platform: types.Platform{Settings: &none.Platform{}},
		Networking: &types.Networking{
			MachineNetwork: []types.MachineNetworkEntry{{CIDR: netip.MustParsePrefix("198.18.0.0/24")}},
		},
	}, nil
}

func (s state) Cluster(ctx context.Context) (assets.Cluster, error) {
	cfg, _ := s.Config(ctx)
	s.w.drawn = infraID
	kubeconfig := s.w.kubeconfig()
	err := os.MkdirAll(filepath.Dir(s.w.env.Path(install.KubeconfigFile)), 0o700)
	err = errors.Join(err, os.WriteFile(s.w.env.Path(install.KubeconfigFile), kubeconfig, 0o600),
		os.WriteFile(s.w.env.Path(install.MetadataFile), []byte(`{"clusterName":"demo","infraID":"`+infraID+`"}`),
			0o600))
	return assets.Cluster{
		Config: cfg, InfraID: infraID, Kubeconfig: kubeconfig, KubeadminPassword: secret.New("pa55word"),
		Machines: []assets.Machine{{Name: "demo-x7k2p-master-0", Role: types.MasterPool}},
	}, err
}

func (s state) Plan(ctx context.Context) (assets.Cluster, error)           { return s.Cluster(ctx) }
func (s state) Settings(ctx context.Context) (*types.InstallConfig, error) { return s.Config(ctx) }
func (s state) Runs(string) error                                          { return nil }
func (s state) Virtualization(context.Context) (assets.Virtualization, error) {
	return assets.Virtualization{}, s.w.virtualization
}
func (s state) Pin() (assets.Pin, error) {
	return assets.Pin{PullSpec: "quay.test/okd/release"}, nil
}
func (s state) SetPin(assets.Pin) error       { return nil }
func (s state) Started() bool                 { return s.w.started }
func (s state) DrawnInfraID() (string, error) { return s.w.drawn, nil }
func (s state) Past() assets.Past {
	return assets.Past{Started: s.w.started, HandedOver: s.w.handedOver, Begun: s.w.begunMark}
}
func (s state) KeepDisks(map[string]hosts.DiskID) error               { return nil }
func (s state) KnowMachines(context.Context, map[string]string) error { return nil }
func (s state) RegisterHosts(map[string]string)                       {}
func (s state) AgentImage(context.Context) (assets.AgentImage, error) {
	return assets.AgentImage{}, errors.New("machines do not install themselves here")
}
func (s state) PlanAgentImage(ctx context.Context) (assets.AgentImage, error) {
	return s.AgentImage(ctx)
}
func (s state) LeftOut() ([]string, error)       { return s.w.leftOut, nil }
func (s state) KeepLeftOut(names []string) error { s.w.leftOut = names; return nil }
func (s state) MarkBegun() error {
	s.w.begunMark = true
	if s.w.marked != nil {
		s.w.marked()
	}
	return nil
}
func (s state) MarkStarted() error    { s.w.started = true; return nil }
func (s state) MarkHandedOver() error { s.w.handedOver = true; return nil }
func (s state) Close() error          { return nil }
