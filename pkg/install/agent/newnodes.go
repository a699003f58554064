package agent

import (
	"context"
	"net/netip"
	"time"

	"github.com/okd-install/okd-install/pkg/addnodes"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// NewNode is how far a host is that is to become a node.
type NewNode struct {
	Hostname string
	// Heard: its live system has answered. Joined: it is a node. Ready: that is Ready.
	Heard, Joined, Ready bool
	// Failure is why it does not become a node, with the next step; nil while it may.
	Failure error
	// Lacks is what is missing, as in "is not ready: no network yet".
	Lacks string
}

// NewNodes are hosts that are followed until they are nodes.
type NewNodes struct {
	API      *kube.Client
	Networks []netip.Prefix // of the machines
	Hosts    []NewHost
	Timeout  time.Duration // default MonitorTime
	// Seen is told of each look, and must not wait; nil for nobody.
	Seen func([]NewNode)
	// Lost is why a host that is no node is not waited for any more; nil as long as it is.
	Lost func(hostname string) error
}

// NewHost is one of them.
type NewHost struct {
	addnodes.RecordedHost
	Image addnodes.Record // what it was booted from
}

// address is where the live system of the host is, not valid if that is not known.
func (h NewHost) address(networks []netip.Prefix) netip.Addr {
	for _, ip := range h.Addresses {
		if values.Within(ip, networks) {
			return ip
		}
	}
	return netip.Addr{}
}

// Known reports whether the live system of the host can be asked.
func (h NewHost) Known(networks []netip.Prefix) bool {
	return h.address(networks).IsValid() && h.Image.CA != ""
}

// Answers reports whether the host runs the live system of its image.
func (h NewHost) Answers(ctx context.Context, e *install.Env, networks []netip.Prefix) bool {
	if !h.Known(networks) {
		return false
	}
	j, err := newJoiner(e, h.Image, h.RecordedHost, h.address(networks))
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, apiLimit)
	defer cancel()
	_, err = j.live.service.Status(ctx)
	return err == nil
}

// FollowNewNodes approves the certificates of new nodes, says what happens, and returns how far each host is when all
// of them are Ready or will not be. The error says that they are not.
func FollowNewNodes(ctx context.Context, e *install.Env, o NewNodes) ([]NewNode, error) {
	m := newMonitor(e, o.API, o.Timeout)
	m.lost, m.seen = o.Lost, o.Seen
	for _, h := range o.Hosts {
		j, err := newJoiner(e, h.Image, h.RecordedHost, h.address(o.Networks))
		if err != nil {
			return nil, err
		}
		m.hosts = append(m.hosts, j)
	}
	err := m.run(ctx, true, o.Networks)
	return m.states(), err
}

// states are how far the hosts are.
func (m *monitor) states() []NewNode {
	out := make([]NewNode, len(m.hosts))
	for i, h := range m.hosts {
		out[i] = NewNode{Hostname: h.name, Heard: h.heard, Joined: h.joined, Ready: h.ready}
		if !h.ready {
			out[i].Failure, out[i].Lacks = m.failure(h), h.lacks()
		}
	}
	return out
}
