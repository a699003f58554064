package nodes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/addnodes"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal"
)

// brisk is a clock on which time passes quickly.
type brisk struct {
	clock.Clock
	begun time.Time
}

const speed = 200

func (b brisk) Now() time.Time                         { return b.begun.Add(b.Clock.Now().Sub(b.begun) * speed) }
func (b brisk) After(d time.Duration) <-chan time.Time { return b.Clock.After(d / speed) }
func (b brisk) Sleep(ctx context.Context, d time.Duration) error {
	return b.Clock.Sleep(ctx, d/speed)
}

const (
	nodesPath = "/api/v1/nodes/"
	inMachine = "/namespaces/openshift-machine-api/"
	bmhPath   = "/apis/metal3.io/v1alpha1" + inMachine + "baremetalhosts/"
	machPath  = "/apis/machine.openshift.io/v1beta1" + inMachine + "machines/"
	setPath   = "/apis/machine.openshift.io/v1beta1" + inMachine + "machinesets/"
	provPath  = "/apis/metal3.io/v1alpha1/provisionings/provisioning-configuration"
)

// world is a cluster that runs, hosts with BMCs, and a directory.
type world struct {
	*kubetest.Server
	t   *testing.T
	env *install.Env

	mu     sync.Mutex
	said   []string
	does   []string // what was done to machines
	images int
	hosts  map[string]*server
	// boots is what becomes of a host that is started; nil joins.
	boots func(name string) error
	uuids map[string]string // that Remove was told, by name
}

// server is a host as its BMC shows it.
type server struct {
	uuid   string
	on     bool
	medium bool
	broken error // its BMC does not answer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Server: kubetest.New(t), t: t, hosts: map[string]*server{}, uuids: map[string]string{}}
	for path, object := range kubetest.Running() {
		if !strings.HasSuffix(path, "certificatesigningrequests") && path != "/api/v1/nodes" {
			w.Set(path, object)
		}
	}
	w.pod("first", "worker-0", "ReplicaSet") // a list that is empty does not exist there
	metal := baremetal.Machines()
	joins := *metal.Joins
	joins.Connect = func(_ context.Context, a machines.Access, j machines.Joining) (machines.JoiningConnection, error) {
		return func(event.Sink, machines.Fetch) machines.Joiner { return &joiner{world: w, access: a, joining: j} }, nil
	}
	metal.Joins = &joins
	w.env = &install.Env{
		Dir: t.TempDir(), Clock: brisk{clock.Real(), time.Now()}, Getenv: func(string) string { return "" },
		Program: "okd-install", Platforms: platforms.List{{Assets: baremetal.Assets(), Machines: metal}},
	}
	w.env.Sink = event.Redacted(w.env.Clean, event.SinkFunc(func(e event.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.said = append(w.said, event.Sentence(e))
	}))
	w.write("auth/kubeconfig", "apiVersion: v1\nkind: Config\ncurrent-context: c\n"+
		"contexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n"+
		"clusters: [{name: c, cluster: {server: '"+w.Config().Host+"'}}]\n")
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := w.env.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func uuid(n int) string { return fmt.Sprintf("4c4c4544-0047-3310-8038-b4c04f4a%04x", n) }

const password = "bmc-password-7"

// bmcHost is a host of nodes-config.yaml with a BMC, which is in the world.
func (w *world) bmcHost(n int) string {
	name := fmt.Sprintf("worker-%d", n)
	w.hosts[name] = &server{uuid: uuid(n)}
	return fmt.Sprintf(`- hostname: %s
  interfaces: [{name: eno1, macAddress: "52:54:00:00:00:%02x"}]
  bmc: {address: "redfish-virtualmedia://192.0.2.2%02d/redfish/v1/Systems/1", username: admin, password: %s}
`, name, n, n, password)
}

func (w *world) nodesConfig(hosts ...string) {
	w.write("nodes-config.yaml", "hosts:\n"+strings.Join(hosts, ""))
}

// node makes a host a node.
func (w *world) node(name, id, ready string) {
	w.Set(nodesPath+name, map[string]any{
		"metadata": map[string]any{"name": name, "uid": "uid-" + name,
			"labels": map[string]any{"node-role.kubernetes.io/worker": ""}},
		"status": map[string]any{
			"addresses":  []any{map[string]any{"type": "InternalIP", "address": "192.0.2.77"}},
			"conditions": []any{map[string]any{"type": "Ready", "status": ready, "message": "no network yet"}},
			"nodeInfo":   map[string]any{"systemUUID": id, "kubeletVersion": "v1.34.3"},
		},
	})
}

func (w *world) add(o AddOptions) error {
	w.t.Helper()
	o.make = func(_ context.Context, e *install.Env, _ event.Sink, n agent.NodeISO) (addnodes.Record, error) {
		w.mu.Lock()
		w.images++
		w.mu.Unlock()
		access, err := addnodes.NewAccess(e.Clock.Now())
		if err != nil {
			return addnodes.Record{}, err
		}
		r := n.Cluster.Record(n.Nodes, access)
		r.Inputs, r.File = n.Inputs, "node.x86_64.iso"
		w.write(r.File, "iso")
		return r, agent.KeepNodeRecord(e, r)
	}
	if o.Timeout == 0 {
		o.Timeout = 4 * time.Hour // the machine that runs the tests may be busy
	}
	return Add(w.t.Context(), w.env, o)
}

// done is what was done to machines since it was asked last, sorted.
func (w *world) done() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := slices.Sorted(slices.Values(w.does))
	w.does = nil
	return strings.Join(slices.Compact(out), ", ")
}

func (w *world) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.said, "\n")
}

func (w *world) did(what, name string) {
	w.does = append(w.does, what+" "+name)
}

// joiner is the BMCs of the world.
type joiner struct {
	machines.Provider
	*world
	access  machines.Access
	joining machines.Joining
}

func (j *joiner) server(name string) (*server, error) {
	s := j.hosts[name]
	if s == nil {
		return nil, fmt.Errorf("host %s: it is not among the hosts with a BMC", name)
	}
	return s, s.broken
}

func (j *joiner) Look(_ context.Context, _ plan.Plan, name string) (machines.Machine, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s, err := j.server(name)
	if err != nil {
		return machines.Machine{}, err
	}
	return machines.Machine{Name: name, ID: s.uuid, Runs: s.on}, nil
}

func (j *joiner) Boot(_ context.Context, _ plan.Plan, name string, absent bool) error {
	j.mu.Lock()
	j.did("boot", name)
	s, err := j.server(name)
	if err == nil && absent {
		err = errors.New("absence was taken as proved")
	}
	boots := j.boots
	if err == nil && boots != nil {
		err = boots(name)
	}
	if err == nil {
		s.on, s.medium = true, true
	}
	j.mu.Unlock()
	if err == nil && boots == nil {
		j.node(name, s.uuid, "True")
	}
	return err
}

func (j *joiner) Release(_ context.Context, _ plan.Plan, name string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.did("release", name)
	s, err := j.server(name)
	if err == nil {
		s.medium = false
	}
	return err
}

func (j *joiner) Withdraw(_ context.Context, _ plan.Plan, name string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.did("withdraw", name)
	s, err := j.server(name)
	if err == nil {
		s.on, s.medium = s.on && !s.medium, false
	}
	return err
}

func (j *joiner) Remove(ctx context.Context, _, name string) (bool, error) {
	j.mu.Lock()
	j.did("remove", name)
	s, err := j.server(name)
	want := j.joining.Machines[0]
	j.uuids[name] = want.UUID
	j.mu.Unlock()
	if err != nil {
		return true, err
	}
	if want.Host.BMC == nil || want.Host.BMC.Password.Reveal() != password {
		return true, errors.New("the BMC refuses the login")
	}
	if is, err := j.access.Node(ctx, s.uuid); s.on && (err != nil || !is) {
		return true, fmt.Errorf("nothing shows that it belongs to the cluster: %v, %w", is, err)
	}
	s.on, s.medium = false, false
	return true, nil
}

func (j *joiner) Close(context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.did("close", "sessions")
	return nil
}

var _ machines.Joiner = (*joiner)(nil)
