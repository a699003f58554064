package node_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/client"
	"github.com/okd-install/okd-install/pkg/agent/node"
	"github.com/okd-install/okd-install/pkg/agent/service"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/lab/certs"
	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/secret"
)

// world is a cluster of machines: agents in goroutines, the real service over TLS, and
// nodes that appear when a machine has booted from its disk.
type world struct {
	t        *testing.T
	cfg      *agent.Config
	dir      string // what the image brings
	addr     netip.AddrPort
	watcher  *client.Client
	ctx      context.Context
	machines []*machine
	group    sync.WaitGroup

	mu sync.Mutex
	// at is called at each point of a machine's life; what it returns happens there.
	at   func(m *machine, point string) fate
	seen []string
	logs []byte // what the watcher has
}

// hostManifest is the cluster's object about the second machine.
const hostManifest = "kind: BareMetalHost\nmetadata:\n  name: rack\n" +
	"spec:\n  externallyProvisioned: true\n  bootMACAddress: '52:54:00:00:00:01'\n"

// limit is far above what a world takes.
const limit = time.Minute

// fate is what happens to a machine.
type fate int

const (
	goOn      fate = iota
	killed         // the agent is killed and started again
	powerLoss      // the machine loses what it had in memory
)

// machine is one of them.
type machine struct {
	w        *world
	index    int
	ip       netip.Addr
	stuck    bool        // it boots the medium, whatever is on its disk
	hidden   atomic.Bool // its address
	failing  string
	stateDir string
	root     string

	boots   int
	disk    string // the Ignition config that was written
	mark    bool   // what is on the disk ends the installation
	node    string // the name of the node that it has become
	started bool   // the units of the bootstrap
	stop    context.CancelFunc
	next    fate
}

func newWorld(t *testing.T, masters, arbiters, workers int) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	w := &world{t: t, ctx: ctx, dir: t.TempDir()}
	t.Cleanup(func() { cancel(); w.group.Wait() })
	now := time.Now()
	ca, err := certs.NewAuthority(now, pki.Name{Common: "agent"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	leaf := pki.Leaf{Name: pki.Name{Common: "rendezvous"}, Life: time.Hour, Usage: pki.Server}
	served, err := certs.Issue(ca, now, leaf, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	w.cfg = &agent.Config{
		ClusterName: "demo", Rendezvous: netip.MustParseAddr("192.0.2.10"), CA: string(ca.Cert),
		Certificate: string(served.Cert), Key: secret.New(string(served.Key)),
		AgentToken: secret.New("agent-" + rand.Text()), WatcherToken: secret.New("watcher-" + rand.Text()),
		Expires: now.Add(time.Hour), Masters: masters, Arbiters: arbiters, Workers: workers,
		MachineNetworks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = netip.MustParseAddrPort(l.Addr().String())
	_ = l.Close()
	w.watcher = w.client(w.cfg.WatcherToken)
	w.writeConfigs()
	for i := range w.cfg.Required() {
		w.add(i)
	}
	return w
}

func (w *world) client(token secret.String) *client.Client {
	c, err := client.New(client.Config{Address: w.addr, CA: w.cfg.CA, Token: token})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// writeConfigs writes what the image brings.
func (w *world) writeConfigs() {
	for _, role := range []string{"master", "arbiter", "worker"} {
		raw, err := ignition.Pointer("api-int.demo.test", role, []byte("ca"))
		if err != nil {
			w.t.Fatal(err)
		}
		w.write(filepath.Join(w.dir, role+".ign"), string(raw))
	}
	w.write(filepath.Join(w.dir, agent.BootstrapIgnition), `{"ignition":{"version":"3.2.0"},
		"storage":{"files":[
			{"path":"/etc/hostname","overwrite":true,"contents":{"source":"data:,demo-bootstrap"}},
			{"path":"/opt/openshift/auth/kubeconfig","mode":384,"contents":{"source":"data:,kubeconfig"}},
			{"path":"/opt/openshift/openshift/99_openshift-cluster-api_hosts-1.yaml","contents":{"source":"data:,`+
		url.PathEscape(hostManifest)+`"}}]},
		"systemd":{"units":[{"name":"kubelet.service","enabled":true,"contents":"[Service]\nExecStart=/bin/true\n"},
			{"name":"bootkube.service","contents":"[Service]\nExecStart=/bin/true\n"}]}}`)
}

func (w *world) write(name, content string) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		w.t.Error(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		w.t.Error(err)
	}
}

func (w *world) add(index int) *machine {
	m := &machine{
		w: w, index: index, ip: netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + index)}),
		stateDir: w.t.TempDir(), root: w.t.TempDir(),
	}
	w.write(filepath.Join(m.root, "etc/passwd"), "root:x:0:0:root:/root:/bin/bash\n")
	w.write(filepath.Join(m.root, "etc/hostname"), "as-it-was\n")
	w.machines = append(w.machines, m)
	return m
}

// power starts a machine.
func (w *world) power(machines ...*machine) {
	for _, m := range machines {
		w.group.Go(m.live)
	}
}

// live is the life of a machine: boots, until it is a node or the world ends.
func (m *machine) live() {
	m.boots++
	for m.w.ctx.Err() == nil {
		ctx, stop := context.WithCancel(m.w.ctx)
		m.w.mu.Lock()
		m.stop, m.next = stop, goOn
		m.w.mu.Unlock()
		m.run(ctx)
		stop()
		m.w.mu.Lock()
		next, rebooted := m.next, m.next == powerLoss
		if rebooted {
			m.boots++
			if m.disk != "" && !m.stuck {
				m.node = m.hostname()
				m.w.mu.Unlock()
				return
			}
		}
		m.w.mu.Unlock()
		if next == powerLoss {
			m.forget()
		}
	}
}

// forget loses what the machine has in its memory.
func (m *machine) forget() {
	for _, dir := range []string{m.stateDir, filepath.Join(m.root, "opt"), filepath.Join(m.root, "var")} {
		_ = os.RemoveAll(dir)
	}
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	m.started = false
}

// hostname is that of the config on the disk. The caller holds the lock.
func (m *machine) hostname() string {
	var c struct {
		Storage struct {
			Files []struct {
				Path     string
				Contents struct{ Source string }
			}
		}
	}
	if err := json.Unmarshal([]byte(m.disk), &c); err != nil || len(c.Storage.Files) == 0 {
		m.w.t.Errorf("on the disk of machine %d: %v", m.index, err)
		return ""
	}
	for i := range 10 {
		for _, role := range []string{"master", "arbiter", "worker"} {
			name := fmt.Sprintf("%s-%d", role, i)
			if c.Storage.Files[0].Contents.Source == ignition.DataURL([]byte(name+"\n")) {
				return name
			}
		}
	}
	m.w.t.Errorf("no name on the disk of machine %d", m.index)
	return ""
}

func (m *machine) run(ctx context.Context) {
	err := node.Run(ctx, node.Options{
		Config: m.w.cfg, Dir: m.w.dir, StateDir: m.stateDir, Root: m.root, Boot: fmt.Sprint("boot-", m.boots),
		Interval: 3 * time.Millisecond, Clock: clock.Real(), Log: slog.New(slog.DiscardHandler),
		Hardware: m, Service: m.w.client(m.w.cfg.AgentToken), Nodes: m.w.nodes, Standing: m.w.standing,
		Listen: func(context.Context) (net.Listener, error) { return net.Listen("tcp", m.w.addr.String()) },
	})
	if err != nil && ctx.Err() == nil {
		m.w.t.Errorf("agent of machine %d: %v", m.index, err)
	}
}

var errGone = errors.New("the agent was killed")

// point is a point of the machine's life, where it may meet its fate.
func (m *machine) point(name string) error {
	w := m.w
	w.mu.Lock()
	defer w.mu.Unlock()
	id := fmt.Sprintf("%d/%s", m.index, name)
	first := !slices.Contains(w.seen, id)
	if first {
		w.seen = append(w.seen, id)
	}
	if w.at == nil || !first {
		return nil
	}
	if m.next = w.at(m, name); m.next != goOn {
		m.stop()
		return errGone
	}
	return nil
}

func (m *machine) Inventory(context.Context) (agent.Inventory, error) {
	if err := m.point("inventory"); err != nil {
		return agent.Inventory{}, err
	}
	ip := m.ip
	if m.hidden.Load() {
		ip = netip.MustParseAddr("192.0.2.200")
	}
	mac := fmt.Sprintf("52:54:00:00:00:%02x", m.index)
	return agent.Inventory{
		ID: fmt.Sprintf("id-%d", m.index), UUID: fmt.Sprint("uuid-", m.index), Hostname: "localhost",
		Disks: []agent.Disk{{Name: "vda", Path: "/dev/vda", SizeBytes: 200e9}},
		NICs: []agent.NIC{{Name: "eth0", MAC: mac, Physical: true, Addresses: []netip.Prefix{
			netip.PrefixFrom(ip, 24),
		}}},
	}, nil
}

func (m *machine) Choose(inv agent.Inventory, _ string) (agent.Disk, error) { return inv.Disks[0], nil }

func (m *machine) Check(_ context.Context, s node.Situation) []agent.Check {
	if m.point("check") != nil || s.Role == "" {
		return []agent.Check{{ID: "memory", Result: agent.Pending}}
	}
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	if m.mark {
		return []agent.Check{{ID: "written-before", Result: agent.Fail, Problem: agent.Problem{Message: "has the mark"}}}
	}
	return []agent.Check{{ID: "memory", Result: agent.Pass}}
}

func (m *machine) Write(ctx context.Context, w node.Writing) error {
	if err := m.point("write"); err != nil {
		return err
	}
	m.w.mu.Lock()
	m.disk, m.mark = "", false // half of it
	m.w.mu.Unlock()
	w.Progress(40, "1 of 2 GiB")
	if err := m.point("half"); err != nil {
		return err
	}
	if m.failing != "" {
		return errors.New(m.failing)
	}
	raw, err := os.ReadFile(w.Ignition)
	if err != nil {
		return err
	}
	m.w.mu.Lock()
	m.disk = string(raw)
	m.w.mu.Unlock()
	if err := m.point("unmarked"); err != nil {
		return err
	}
	m.w.mu.Lock()
	m.mark = w.Final
	m.w.mu.Unlock()
	if err := m.point("wrote"); err != nil {
		return err
	}
	return ctx.Err()
}

func (m *machine) SetHostname(string) error { return m.point("hostname") }

func (m *machine) Reboot(context.Context) error {
	if err := m.point("reboot"); err != nil {
		return err
	}
	m.w.mu.Lock()
	m.next = powerLoss
	m.stop()
	m.w.mu.Unlock()
	return nil
}

func (m *machine) Run(_ context.Context, _, name string, args ...string) error {
	if err := m.point(name + " " + strings.Join(args, " ")); err != nil {
		return err
	}
	if name == "systemctl" && slices.Contains(args, "start") {
		m.w.mu.Lock()
		m.started = true
		m.w.mu.Unlock()
	}
	return nil
}

func (m *machine) Output(context.Context, int, string, ...string) ([]byte, error) {
	if err := m.point("journal"); err != nil {
		return nil, err
	}
	return []byte("a line with " + m.w.cfg.AgentToken.Reveal() + "\n"), nil
}

// nodes is the cluster's API on the bootstrap host, and what its services write.
func (w *world) nodes(context.Context, []byte) ([]service.Node, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := w.machines[0]
	if !first.started {
		return nil, errors.New("connection refused")
	}
	var nodes []service.Node
	masters := 0
	for _, m := range w.machines {
		if m.node != "" {
			nodes = append(nodes, service.Node{Name: m.node, Ready: true})
			if strings.HasPrefix(m.node, "master") {
				masters++
			}
		}
	}
	const at = `"timestamp":"2026-11-21T03:00:00Z"`
	records := filepath.Join(first.root, "var/log/openshift")
	w.write(filepath.Join(records, "bootkube.json"), `[{`+at+`,"phase":"stage start","stage":"cb-bootstrap"}]`)
	if masters >= min(w.cfg.Masters-1, 2) && !w.cfg.InPlace { // else the test says when
		w.write(filepath.Join(records, "bootkube.json"), `[{`+at+`,"phase":"service end","result":"success"}]`)
		w.write(filepath.Join(first.root, "opt/openshift/.bootkube.done"), "")
		w.write(filepath.Join(records, "progress.json"), `[{`+at+`,"phase":"service end","result":"success"}]`)
	}
	return nodes, nil
}

// standing is the API of the masters, once there are enough of them.
func (w *world) standing(context.Context, []byte) (*service.Standing, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	st := &service.Standing{}
	for _, m := range w.machines {
		ips := []netip.Addr{m.ip}
		if m.node != "" {
			st.Nodes = append(st.Nodes, service.Node{Name: m.node, Ready: true, Addresses: []string{m.ip.String()}})
		}
		name := fmt.Sprint("master-", m.index)
		st.Planned = append(st.Planned, service.Planned{Hostname: name, Role: "master", Addresses: ips})
	}
	if len(st.Nodes) == 0 || len(st.Nodes) < min(w.cfg.Masters-1, 2) {
		return nil, errors.New("connection refused")
	}
	return st, nil
}

// finished waits until all machines are nodes, and checks that each of them is one of those
// that the cluster needs.
func (w *world) finished() {
	w.t.Helper()
	done := make(chan struct{})
	go func() { w.group.Wait(); close(done) }()
	var last string
	for open := true; open; {
		select {
		case <-done:
			open = false
		case <-w.ctx.Done():
			open = false
			w.t.Logf("last status %s", last)
		case <-time.After(20 * time.Millisecond):
			last = w.watch(last)
		}
	}
	var names []string
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.machines {
		names = append(names, m.node)
	}
	slices.Sort(names)
	var want []string
	for role, n := range map[string]int{"master": w.cfg.Masters, "arbiter": w.cfg.Arbiters, "worker": w.cfg.Workers} {
		for i := range n {
			want = append(want, fmt.Sprintf("%s-%d", role, i))
		}
	}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		w.t.Errorf("nodes %q, want %q", names, want)
	}
	if kept, _ := os.ReadFile(filepath.Join(w.machines[0].root, "etc/hostname")); string(kept) != "as-it-was\n" {
		w.t.Errorf("the bootstrap has renamed the host to %q", kept)
	}
}

// watch is what somebody does who watches: the rendezvous host waits for the logs to be fetched.
func (w *world) watch(last string) string {
	s, err := w.watcher.Status(w.ctx)
	if err != nil {
		return last
	}
	for _, h := range s.Hosts {
		if h.Rendezvous && h.Stage == agent.Written {
			w.fetchLogs()
		}
	}
	raw, _ := json.Marshal(s)
	return string(raw)
}

// fetchLogs keeps the newest logs.
func (w *world) fetchLogs() {
	var b bytes.Buffer
	if w.watcher.Logs(w.ctx, &b) == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.logs = b.Bytes()
	}
}

// await waits until the status of the service is as it should be.
func (w *world) await(what string, ok func(agent.Status) bool) agent.Status {
	w.t.Helper()
	var s agent.Status
	var err error
	for w.ctx.Err() == nil {
		if s, err = w.watcher.Status(w.ctx); err == nil && ok(s) {
			return s
		}
		time.Sleep(5 * time.Millisecond)
	}
	raw, _ := json.MarshalIndent(s, "", " ")
	w.t.Fatalf("%s: never; %v, last status %s", what, err, raw)
	return s
}
