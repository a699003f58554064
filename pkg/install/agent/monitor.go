package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/addnodes"
	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/agent/client"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/exit"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
)

// MonitorOptions are the flags of agent monitor-add-nodes.
type MonitorOptions struct {
	Kubeconfig string // default: that of the directory
	Addresses  []string
	Approve    bool
	Timeout    time.Duration
}

// MonitorTime is how long new nodes have to join unless the user says otherwise.
const MonitorTime = 90 * time.Minute

// monitor follows hosts until they are nodes.
type monitor struct {
	*install.Env
	api   *kube.Client
	hosts []*joiner
	until time.Time
	// lost is why a host is not waited for any more; nil for none.
	lost func(name string) error
	seen func([]NewNode) // is told of each look; nil for nobody

	mu sync.Mutex // of what the approver asks as well
}

// joiner is a host that is to become a node.
type joiner struct {
	ip netip.Addr // not valid if it is not known
	// live asks the host's live system; nil if nothing is known that it would accept.
	live *follower
	// name of the node, empty until it is known.
	name string

	problem       *Problem // of the live system
	heard         bool     // the live system has answered
	joined, ready bool
	why           string // it is not ready
}

// MonitorAddNodes is the command agent monitor-add-nodes: it says what becomes of hosts that were
// booted from the image of agent add-nodes.
func MonitorAddNodes(ctx context.Context, e *install.Env, o MonitorOptions) error {
	record, err := readRecord(e)
	if err != nil {
		return err
	}
	addresses, err := o.addresses(record)
	if err != nil {
		return err
	}
	api, err := DialNodes(e, o.Kubeconfig)
	if err != nil {
		return err
	}
	networks, err := addnodes.Networks(ctx, api)
	if err != nil {
		return exit.With(exit.Other, "see that the API of the cluster answers", fmt.Errorf("read the cluster: %w", err))
	}
	m := newMonitor(e, api, o.Timeout)
	for _, ip := range addresses {
		h, err := newJoiner(e, record, hostAt(record, ip), ip)
		if err != nil {
			return err
		}
		m.hosts = append(m.hosts, h)
	}
	return m.run(ctx, o.Approve, networks)
}

func newMonitor(e *install.Env, api *kube.Client, timeout time.Duration) *monitor {
	return &monitor{Env: e, api: api, until: e.Clock.Now().Add(cmp.Or(timeout, MonitorTime))}
}

// run approves certificates, or says how to, and follows the hosts meanwhile.
func (m *monitor) run(ctx context.Context, approve bool, networks []netip.Prefix) error {
	approving, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	approver := &handoff.Approver{
		Watcher: &handoff.Watcher{Watcher: m.Watcher(m.api, m.Sink)},
		// Who only reads may learn of nodes whose names are not known yet.
		More: m.names, AnyNode: !approve, Networks: networks, Ask: !approve,
	}
	background.Go(func() { approver.Run(approving) })
	w := kube.Watcher{API: m.api, Clock: m.Clock, Sink: m.Sink, Every: statusEvery}
	err := w.Until(ctx, "the new nodes", m.look)
	if err == nil {
		event.Info(m.Sink, fmt.Sprintf("%d of %d new nodes are Ready", len(m.hosts), len(m.hosts)))
	}
	return err
}

// readRecord reads what add-nodes has left; it is empty if that was run elsewhere.
func readRecord(e *install.Env) (addnodes.Record, error) {
	r, err := NodeRecord(e)
	if err == nil && r.CA == "" {
		event.Warn(e.Sink, "No image was made in "+e.Dir+": what happens before the hosts reboot cannot be seen; name the "+
			"directory of the image with --dir")
	}
	return r, err
}

// addresses are those of the hosts to follow: all with a static address, if none is named.
func (o MonitorOptions) addresses(record addnodes.Record) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, list := range o.Addresses {
		for text := range strings.SplitSeq(list, ",") {
			ip, err := netip.ParseAddr(strings.TrimSpace(text))
			if err != nil {
				return nil, exit.New("write addresses as in 192.168.111.90,192.168.111.91", "%q is not an IP address", text)
			}
			if ip = ip.Unmap(); !slices.Contains(out, ip) {
				out = append(out, ip)
			}
		}
	}
	if len(o.Addresses) > 0 {
		return out, nil
	}
	for _, h := range record.Hosts {
		if len(h.Addresses) == 0 {
			return nil, exit.New("name the addresses of all hosts with --ip-addresses",
				"which hosts to monitor: host %s has no static address", cmp.Or(h.Hostname, strings.Join(h.MACs, ", ")))
		}
		out = append(out, h.Addresses[0])
	}
	if len(out) == 0 {
		return nil, exit.New("name the addresses of the hosts with --ip-addresses", "no hosts to monitor are named")
	}
	return out, nil
}

// hostAt is the host of an image with a static address.
func hostAt(record addnodes.Record, ip netip.Addr) (out addnodes.RecordedHost) {
	for _, known := range record.Hosts {
		if slices.Contains(known.Addresses, ip) {
			out = known
		}
	}
	return out
}

func newJoiner(
	e *install.Env, record addnodes.Record, known addnodes.RecordedHost, ip netip.Addr,
) (*joiner, error) {
	h := &joiner{ip: ip, name: known.Hostname}
	if record.CA == "" || !ip.IsValid() {
		return h, nil
	}
	c, err := client.New(client.Config{
		Address: netip.AddrPortFrom(ip, agent.Port), CA: record.CA, Token: record.Watcher,
		Certified: netip.AddrFrom4([4]byte{127, 0, 0, 1}),
	})
	if err != nil {
		return nil, err
	}
	h.live = &follower{
		service: c, clock: e.Clock, names: map[string]bool{}, alone: true,
		logs: e.Path("node-logs-" + strings.ReplaceAll(ip.String(), ":", "-") + ".tar"),
	}
	return h, nil
}

// names are those of the nodes to come, as far as they are known.
func (m *monitor) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, h := range m.hosts {
		if h.name != "" {
			out = append(out, h.name)
		}
	}
	return out
}

// look asks hosts and cluster once, and returns what is missing.
func (m *monitor) look(ctx context.Context) (string, error) {
	var asked sync.WaitGroup
	for _, h := range m.hosts {
		if h.live != nil && !h.joined {
			asked.Go(func() { m.ask(ctx, h) })
		}
	}
	asked.Wait()
	var list corev1.NodeList
	if err := m.api.List(ctx, kube.Nodes, "", &list); err != nil {
		return m.late("list the nodes of the cluster: " + kube.Cause(err))
	}
	m.mu.Lock()
	for _, h := range m.hosts {
		m.compare(h, list.Items)
	}
	m.mu.Unlock()
	if m.seen != nil {
		m.seen(m.states())
	}
	var missing []string
	var failed error
	waits := false
	for _, h := range m.hosts {
		if h.ready {
			continue
		}
		if err := m.failure(h); err != nil {
			failed = err
			missing = append(missing, h.called()+": "+err.Error())
		} else {
			waits = true
			missing = append(missing, h.missing())
		}
	}
	if failed != nil && !waits {
		return "", exit.With(exit.Install, exit.Next(failed), fmt.Errorf("%s", strings.Join(missing, "; ")))
	}
	if len(missing) == 0 {
		return "", nil
	}
	return m.late(strings.Join(missing, "; "))
}

// failure is why a host does not become a node.
func (m *monitor) failure(h *joiner) error {
	if h.joined {
		return nil
	}
	if m.lost != nil {
		if err := m.lost(h.name); err != nil {
			return err
		}
	}
	if h.problem != nil {
		return h.problem
	}
	return nil
}

// late ends the wait when its time is over.
func (m *monitor) late(missing string) (string, error) {
	if m.Clock.Now().Before(m.until) {
		return missing, nil
	}
	return "", exit.With(exit.Install, "look at the consoles of the hosts, and at `oc get csr,nodes`; "+
		"the same command goes on waiting", fmt.Errorf("out of time, %s", missing))
}

// ask asks the live system of a host. It ends before the host is a node, so that no answer means nothing.
func (m *monitor) ask(ctx context.Context, h *joiner) {
	s, err := h.live.look(ctx, m.Sink)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		if errors.Is(err, client.ErrRefused) {
			h.problem = &Problem{agent.Problem{
				Message: "its live system does not accept the token of this directory: it was booted from another image, or " +
					"the image has expired",
				Next: "boot it from the image that was made last in this directory",
			}}
		}
		event.Debug(m.Sink, "no answer of the live system at "+h.ip.String(), "err", err)
		return
	}
	h.problem, h.heard = nil, true
	if p := problemOf(s); p != nil && h.live.persists(p) != nil {
		h.problem = p
	} else if p == nil {
		_ = h.live.persists(nil)
	}
	for _, host := range s.Hosts {
		if host.Role != "" { // then the name is decided as well
			h.name = host.Hostname
		}
	}
}

// compare looks for the node that a host has become, and says what is new. The caller has the lock.
func (m *monitor) compare(h *joiner, nodes []corev1.Node) {
	i := slices.IndexFunc(nodes, func(n corev1.Node) bool {
		return n.Name == h.name || h.ip.IsValid() &&
			slices.ContainsFunc(n.Status.Addresses, func(a corev1.NodeAddress) bool { return a.Address == h.ip.String() })
	})
	if i < 0 {
		return
	}
	n := nodes[i]
	h.name = n.Name
	if !h.joined {
		h.joined = true
		event.Info(m.Sink, "Node "+n.Name+" has joined; its kubelet runs")
	}
	was := h.ready
	h.why, h.ready = handoff.NotReady(n)
	switch {
	case h.ready && !was:
		event.Info(m.Sink, "Node "+n.Name+" is Ready")
	case !h.ready && was:
		event.Warn(m.Sink, "Node "+n.Name+" is not Ready any more: "+h.why)
	}
}

// missing is what a host lacks.
func (h *joiner) missing() string { return h.called() + h.lacks() }

func (h *joiner) called() string {
	switch {
	case h.name == "":
		return h.ip.String()
	case !h.ip.IsValid():
		return h.name
	}
	return h.name + " (" + h.ip.String() + ")"
}

func (h *joiner) lacks() string {
	switch {
	case h.joined:
		return " is not ready: " + h.why
	case h.problem != nil:
		return ": " + h.problem.Message
	case h.live != nil && len(h.live.last.Hosts) > 0:
		return " has not joined; its live system said last that it " + stageText(h.live.last.Hosts[0])
	}
	return " has not joined"
}
