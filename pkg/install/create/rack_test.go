package create

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	hosts "github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/check"
	"github.com/okd-install/okd-install/pkg/assets"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/install/agent"
	"github.com/okd-install/okd-install/pkg/machines"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/platforms/baremetal/config"
	"github.com/okd-install/okd-install/pkg/release"
	"github.com/okd-install/okd-install/pkg/types"
)

// rack is a world whose machines install themselves: hosts that start from a medium and register with the first one.
type rack struct {
	*world
	hosts []*rackHost
	// begun: they have registered, and are being installed.
	begun   bool
	silent  bool     // the service does not answer
	without []string // hosts that the service goes on without
	closed  int      // how often the sessions were ended
	ids     map[string]string
	disks   []map[string]hosts.DiskID // that were kept, call by call
	// inventory are the roles of the hosts that the image is made for.
	inventory map[string]string
}

type rackHost struct {
	name, role string // without a role it is a spare one
	on, medium bool
	registered bool
	deaf       int  // how many more starts lead to nothing
	old        bool // it starts the system on its disk, which has a virtual address
	broken     error
	checks     []hosts.Check  // that have not passed
	dead       error          // why its BMC takes no medium out
	problem    *hosts.Problem // that the service has with it
}

func newRack(t *testing.T) *rack {
	t.Helper()
	r := &rack{world: newWorld(t)}
	for i := range 3 {
		r.hosts = append(r.hosts, &rackHost{name: fmt.Sprintf("master-%d", i), role: types.MasterPool})
	}
	r.nodes = []string{"master-0", "master-1", "master-2"}
	r.env.Platforms = platforms.List{{Assets: assets.Platform{Kind: config.Kind()}, Machines: machines.Platform{
		Name: config.Name, SelfInstalling: true, Roles: r.roles, Plan: r.plan, Connect: r.connect,
	}}}
	return r
}

func (r *rack) create(ctx context.Context, o Options) error {
	r.set(func() { r.calls, r.said = nil, nil })
	o.open = func(context.Context, *install.Env, install.Opening) (Assets, []byte, error) {
		return rackState{state{r.world}, r}, nil, nil
	}
	o.inspect = func(context.Context, string, release.Options) (*release.Release, error) {
		return &release.Release{Version: "5.0.0-okd-test.1", PullSpec: "quay.test/okd/release"}, nil
	}
	o.service = r
	return Cluster(ctx, r.env, o)
}

// media are the hosts with a medium.
func (r *rack) media() (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.hosts {
		if h.medium {
			names = append(names, h.name)
		}
	}
	return names
}

func mac(i int) string { return fmt.Sprintf("52:54:00:00:00:%02x", i) }

// The platform.

// roles leaves out spare hosts, as platforms do.
func (r *rack) roles(*types.InstallConfig) map[string]string {
	out := map[string]string{}
	for _, h := range r.hosts {
		if h.role != "" {
			out[h.name] = h.role
		}
	}
	return out
}

func (r *rack) plan(assets.Cluster, plan.Image) (plan.Plan, error) {
	p := plan.Plan{InfraID: infraID}
	for i, h := range r.hosts {
		p.Objects = append(p.Objects, plan.Object{Key: plan.KeyOf(plan.KindHost, h.name), Kind: plan.KindHost, Name: h.name,
			Stage: plan.StageInfrastructure, Spec: plan.Server{BMC: fmt.Sprintf("redfish-virtualmedia://192.0.2.%d", 10+i)}})
	}
	return p, nil
}

func (r *rack) connect(context.Context, machines.Access) (machines.Connection, error) {
	return func(event.Sink, machines.Fetch) machines.Provider { return r }, nil
}

func (r *rack) Apply(ctx context.Context, _ plan.Plan, stage plan.Stage) error {
	return r.change(ctx, "apply "+string(stage), func() {})
}

func (r *rack) find(name string) *rackHost {
	return r.hosts[slices.IndexFunc(r.hosts, func(h *rackHost) bool { return h.name == name })]
}

func (r *rack) Boot(ctx context.Context, _ plan.Plan, name string, absent bool) (err error) {
	changed := r.change(ctx, "boot "+name, func() {
		h := r.find(name)
		switch {
		case h.broken != nil:
			err = h.broken
			return
		case h.on && !h.medium && !absent:
			err = errors.New("host " + name + " is on")
			return
		}
		h.on, h.medium, h.registered = true, true, h.deaf == 0 && !h.old
		h.deaf = max(0, h.deaf-1)
	})
	return errors.Join(changed, err)
}

func (r *rack) Machines(context.Context, string) (list []machines.Machine, _ error) {
	for _, h := range r.hosts {
		list = append(list, machines.Machine{Name: h.name, ID: "uuid-of-" + h.name})
	}
	return list, nil
}

func (r *rack) Release(ctx context.Context, _ plan.Plan, name string) error {
	r.mu.Lock()
	dead := r.find(name).dead
	r.mu.Unlock()
	return errors.Join(dead, r.change(ctx, "release "+name, func() {
		if dead == nil {
			r.find(name).medium = false
		}
	}))
}

func (r *rack) Withdraw(ctx context.Context, _ plan.Plan, name string) error {
	r.mu.Lock()
	dead := r.find(name).dead
	r.mu.Unlock()
	return errors.Join(dead, r.change(ctx, "withdraw "+name, func() {
		if h := r.find(name); dead == nil {
			h.on, h.medium = h.on && !h.medium, false
		}
	}))
}

func (r *rack) Close(context.Context) error {
	r.set(func() { r.closed++ })
	return nil
}

// The service of the rendezvous host.

func (r *rack) Status(context.Context) (agent.Status, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.silent || !r.hosts[0].registered {
		return agent.Status{}, errors.New("connection refused")
	}
	blocked := false
	s := agent.Status{LeftOut: slices.Clone(r.without)}
	for i, h := range r.hosts {
		switch {
		case h.role == "":
			continue
		case slices.Contains(r.without, h.name) && !h.registered:
			continue
		case !h.registered:
			s.Missing++
			continue
		}
		stage := hosts.Ready
		checks := slices.Clone(h.checks)
		for j, other := range r.hosts {
			if other.old && other.on {
				checks = append(checks, hosts.Check{ID: check.VIPs, Result: hosts.Fail,
					Problem: hosts.Problem{Message: "the network card " + mac(j) + " answers for the virtual address 192.0.2.5"}})
			}
		}
		switch {
		case r.begun:
			stage = hosts.Writing
		case len(checks) > 0:
			stage, blocked = hosts.Discovering, true
		}
		var disk *hosts.DiskID
		if r.begun {
			disk = &hosts.DiskID{Path: "/dev/sda", Serial: "S-" + h.name}
		}
		s.Hosts = append(s.Hosts, hosts.HostStatus{ID: h.name, Hostname: h.name, Role: h.role, Rendezvous: i == 0,
			DiskID: disk, MACs: []string{strings.ToUpper(mac(i))}, Stage: stage, Problem: h.problem, Checks: checks})
		if h.problem != nil && !slices.Contains(r.without, h.name) {
			s.Problem = h.problem
		}
	}
	if s.Missing == 0 && !blocked && !r.begun {
		r.begun = true
		r.record.Progress = machines.Begun // the API answers
	}
	return s, nil
}

func (r *rack) LeaveOut(ctx context.Context, names []string) error {
	return r.change(ctx, "leave out "+strings.Join(names, " "), func() { r.without = append(r.without, names...) })
}

func (r *rack) Logs(context.Context, io.Writer) error { return nil }

// planned are the hosts of the installation.
func (r *rack) planned() (p assets.AgentPlan) {
	for _, h := range r.hosts {
		switch h.role {
		case types.MasterPool:
			p.Masters++
		case types.WorkerPool:
			p.Workers++
		default:
			continue
		}
		p.Hostnames = append(p.Hostnames, h.name)
	}
	return p
}

// rackState is what the installation is generated from.
type rackState struct {
	state
	r *rack
}

func (s rackState) Config(ctx context.Context) (*types.InstallConfig, error) {
	c, err := s.state.Config(ctx)
	p := &config.Platform{}
	for i, h := range s.r.hosts {
		p.Hosts = append(p.Hosts, config.Host{Name: h.name, Role: h.role, BootMACAddress: mac(i)})
	}
	c.Platform = types.Platform{Settings: p}
	return c, err
}

func (s rackState) KnowMachines(_ context.Context, ids map[string]string) error {
	s.r.ids = ids
	return nil
}

func (s rackState) KeepDisks(disks map[string]hosts.DiskID) error {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.r.disks = append(s.r.disks, disks)
	return nil
}

func (s rackState) RegisterHosts(roles map[string]string) { s.r.inventory = roles }

func (s rackState) Cluster(ctx context.Context) (assets.Cluster, error) {
	c, err := s.state.Cluster(ctx)
	if err == nil {
		c.Config, err = s.Config(ctx)
	}
	return c, err
}

func (s rackState) PlanAgentImage(ctx context.Context) (assets.AgentImage, error) {
	return s.AgentImage(ctx)
}

func (s rackState) AgentImage(ctx context.Context) (assets.AgentImage, error) {
	c, err := s.Config(ctx)
	return assets.AgentImage{
		Config: c, Rendezvous: netip.MustParseAddr("198.18.0.20"), RendezvousHost: "master-0",
		Plan: s.r.planned(),
	}, err
}
