package agent

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/addnodes"
	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/client"
	"github.com/okd-install/okd-install/pkg/clock"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/kube/kubetest"
	"github.com/okd-install/okd-install/pkg/pki/pkitest"
)

const (
	nodePath = "/api/v1/nodes/worker-7"
	csrPath  = "/apis/certificates.k8s.io/v1/certificatesigningrequests/csr-1"
)

// said collects what is said, by several at once.
type said struct {
	mu sync.Mutex
	lines
}

func (s *said) Emit(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines.Emit(e)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// scene is a cluster that a host joins.
type scene struct {
	*kubetest.Server
	m    *monitor
	said *said
}

func newScene(t *testing.T, answers ...any) *scene {
	t.Helper()
	server := kubetest.New(t)
	for path, object := range kubetest.Running() {
		if !strings.HasSuffix(path, "certificatesigningrequests") && path != "/api/v1/nodes" {
			server.Set(path, object)
		}
	}
	api, err := kube.New(server.Config())
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{Server: server, said: &said{}}
	clk := clock.NewFake(time.Now())
	s.m = &monitor{
		Env: &install.Env{Clock: clk, Sink: s.said, Dir: t.TempDir()}, api: api, until: clk.Now().Add(MonitorTime),
	}
	h := &joiner{ip: netip.MustParseAddr("192.0.2.21")}
	if len(answers) > 0 {
		h.live = follows(clk, answers...)
		h.live.alone = true
	}
	s.m.hosts = []*joiner{h}
	return s
}

func (s *scene) node(name, ip, ready string) {
	s.Set(nodePath, map[string]any{
		"metadata": map[string]any{"name": name},
		"status": map[string]any{
			"addresses":  []any{map[string]any{"type": "InternalIP", "address": ip}},
			"conditions": []any{map[string]any{"type": "Ready", "status": ready, "message": "no network yet"}},
		},
	})
}

func worker(stage agent.Stage) agent.Status {
	h := host("worker-7", stage)
	h.Role = "worker"
	return agent.Status{Hosts: []agent.HostStatus{h}}
}

// The host is followed in its live system, then as a node; only what changes is said.
func TestMonitor(t *testing.T) {
	gone := errors.New("no answer")
	s := newScene(t, gone, worker(agent.Ready), worker(agent.Writing), gone)
	look := func(want string) {
		t.Helper()
		missing, err := s.m.look(t.Context())
		if err != nil || missing != want {
			t.Errorf("waits for %q, %v, want %q", missing, err, want)
		}
	}
	look("192.0.2.21 has not joined")
	look("worker-7 (192.0.2.21) has not joined; its live system said last that it is ready")
	look("worker-7 (192.0.2.21) has not joined; its live system said last that it writes its disk")
	look("worker-7 (192.0.2.21) has not joined; its live system said last that it writes its disk")
	if names := s.m.names(); len(names) != 1 || names[0] != "worker-7" {
		t.Errorf("names %q", names)
	}
	s.node("worker-7", "192.0.2.21", "False")
	look("worker-7 (192.0.2.21) is not ready: no network yet")
	look("worker-7 (192.0.2.21) is not ready: no network yet")
	s.node("worker-7", "192.0.2.21", "True")
	look("")
	want := `info Host worker-7 has registered (worker)
info Host worker-7: is ready
info Host worker-7: writes its disk
info Node worker-7 has joined; its kubelet runs
info Node worker-7 is Ready`
	if got := s.said.String(); got != want {
		t.Errorf("said\n%s\nwant\n%s", got, want)
	}
}

// A node whose name nobody knew is found by its address.
func TestMonitorByAddress(t *testing.T) {
	s := newScene(t)
	s.node("somebody.example.org", "192.0.2.21", "True")
	if missing, err := s.m.look(t.Context()); missing != "" || err != nil {
		t.Errorf("waits for %q, %v", missing, err)
	}
	s = newScene(t)
	s.node("another", "192.0.2.99", "True")
	if missing, _ := s.m.look(t.Context()); missing == "" {
		t.Error("another node was taken for the host")
	}
}

func TestMonitorEnds(t *testing.T) {
	failed := worker(agent.Failed)
	failed.Problem = &agent.Problem{Message: "no disk", Next: "add one"}
	for _, tt := range []struct {
		name, want, next string
		says             any
		after            time.Duration
	}{
		{"a problem for a moment", "", "", failed, 0},
		{"a problem", "no disk", "add one", failed, patience + time.Second},
		{"another image", "does not accept the token", "boot it from the image", client.ErrRefused, 0},
		{"too late", "out of time, 192.0.2.21 has not joined", "oc get csr,nodes", errors.New("no answer"), MonitorTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, tt.says)
			if _, err := s.m.look(t.Context()); tt.after > 0 && err != nil {
				t.Fatalf("too early: %v", err)
			}
			s.m.Clock.(*clock.Fake).Advance(tt.after)
			_, err := s.m.look(t.Context())
			if tt.want == "" {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || exit.Code(err) != exit.Install ||
				!strings.Contains(exit.Next(err), tt.next) {
				t.Errorf("error %v, code %d, next %s", err, exit.Code(err), exit.Next(err))
			}
		})
	}
	// Another host still has time.
	s := newScene(t, failed)
	s.m.hosts = append(s.m.hosts, &joiner{ip: netip.MustParseAddr("192.0.2.22")})
	for range 2 {
		if _, err := s.m.look(t.Context()); err != nil {
			t.Errorf("error %v", err)
		}
		s.m.Clock.(*clock.Fake).Advance(2 * patience)
	}
}

// Certificates are approved on request only, and only those of the hosts.
func TestMonitorCertificates(t *testing.T) {
	for _, tt := range []struct {
		name, node, want string
		approve, done    bool
	}{
		{"to be approved by somebody", "worker-7", "oc adm certificate approve csr-1", false, false},
		{"of a node whose name is not known yet", "worker-9", "oc adm certificate approve csr-1", false, false},
		{"approved", "worker-7", "Approved client certificate of node worker-7", true, true},
		{"of somebody else", "stranger", "csr-1 is left alone", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t, worker(agent.Rebooting))
			request, err := pkitest.Request("system:node:"+tt.node, "system:nodes", nil)
			if err != nil {
				t.Fatal(err)
			}
			s.Set(csrPath, map[string]any{
				"metadata": map[string]any{"name": "csr-1"},
				"spec": map[string]any{
					"request": request, "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
					"username": "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper",
					"usages":   []string{"digital signature", "client auth"},
				},
			})
			s.Set(csrPath+"/approval", map[string]any{})
			clk := s.m.Clock.(*clock.Fake)
			s.m.until = clk.Now().Add(10000 * time.Hour) // it passes as fast as it can
			done := make(chan error, 1)
			go func() {
				done <- s.m.run(t.Context(), tt.approve, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")})
			}()
			for !strings.Contains(s.said.String(), tt.want) {
				pass(t.Context(), clk, time.Second)
			}
			s.node("worker-7", "192.0.2.21", "True")
			for ended := false; !ended; {
				select {
				case err := <-done:
					if ended = true; err != nil {
						t.Error(err)
					}
				default:
					clk.Advance(time.Second)
				}
			}
			approved := false
			for _, w := range s.Writes() {
				approved = approved || strings.HasPrefix(w, "PUT "+csrPath)
			}
			if approved != tt.done || !strings.Contains(s.said.String(), "1 of 1 new nodes are Ready") {
				t.Errorf("approved %v, said\n%s", approved, s.said)
			}
		})
	}
}

func TestMonitorAddresses(t *testing.T) {
	ip := netip.MustParseAddr
	static := addnodes.Record{Hosts: []addnodes.RecordedHost{
		{Hostname: "a", Addresses: []netip.Addr{ip("192.0.2.21"), ip("10.0.0.1")}},
		{Addresses: []netip.Addr{ip("192.0.2.22")}},
	}}
	dynamic := addnodes.Record{Hosts: []addnodes.RecordedHost{{Hostname: "a"}}}
	for _, tt := range []struct {
		name   string
		named  []string
		record addnodes.Record
		want   string
	}{
		{"named", []string{"192.0.2.1, 192.0.2.2", "fd00::1", "192.0.2.1"}, static, "192.0.2.1 192.0.2.2 fd00::1"},
		{"of the image", nil, static, "192.0.2.21 192.0.2.22"},
		{"by DHCP", nil, dynamic, "which hosts to monitor: host a has no static address"},
		{"none", nil, addnodes.Record{}, "no hosts to monitor are named"},
		{"a name", []string{"worker-7"}, static, `"worker-7" is not an IP address`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := MonitorOptions{Addresses: tt.named}.addresses(tt.record)
			var got []string
			for _, a := range list {
				got = append(got, a.String())
			}
			text := strings.Join(got, " ")
			if err != nil {
				text = err.Error()
			}
			if text != tt.want || err != nil && exit.Next(err) == "" {
				t.Errorf("got %s", text)
			}
		})
	}
}
