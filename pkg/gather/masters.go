package gather

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/sshclient"
)

// Host is a host of the control plane.
type Host struct {
	Name      string   // empty if only the address is known
	Addresses []string // names or addresses, tried in this order
}

func (h Host) String() string {
	switch {
	case len(h.Addresses) == 0:
		return h.Name
	case h.Name == "":
		return h.Addresses[0]
	}
	return h.Name + " (" + strings.Join(h.Addresses, ", ") + ")"
}

// Bounds of what one host may take.
const (
	directTimeout = 5 * time.Second
	masterTimeout = 2 * time.Minute
	atOnce        = 4 // hosts
)

// masters collects from the hosts of the control plane, from several at once.
type masters struct {
	o     Options
	b     *bundle
	via   *sshclient.Client // nil: the bootstrap host could not be reached
	slots chan struct{}

	asking sync.WaitGroup
	asked  []*asked
}

type asked struct {
	host Host
	err  error // nil: its logs are there
}

// ask begins to collect from hosts.
func (m *masters) ask(ctx context.Context, hosts []Host) {
	for _, h := range hosts {
		one := &asked{host: h, err: errors.New("no address of it is known")}
		m.asked = append(m.asked, one)
		if len(h.Addresses) > 0 {
			m.asking.Go(func() { one.err = m.from(ctx, h) })
		}
	}
}

// report waits for the hosts, asks those that only the API knows, and adds which are missing and why.
func (m *masters) report(ctx context.Context, lack *Incomplete) {
	m.asking.Wait()
	if !m.o.Only {
		m.askListed(ctx)
	}
	for _, one := range m.asked {
		if one.err != nil {
			lack.add("control-plane host "+one.host.String(), one.err)
			m.b.logLine("missing: control-plane host " + one.host.String() + ": " + one.err.Error())
		}
	}
}

// askListed asks the nodes that the API lists under addresses that were not known.
func (m *masters) askListed(ctx context.Context) {
	var more []Host
	for _, node := range listed(m.b.nodes) {
		i := slices.IndexFunc(m.asked, func(a *asked) bool { return a.host.is(node) })
		if i < 0 {
			more = append(more, node)
			continue
		}
		known := m.asked[i]
		node.Addresses = slices.DeleteFunc(node.Addresses,
			func(a string) bool { return slices.Contains(known.host.Addresses, a) })
		if known.err != nil && len(node.Addresses) > 0 {
			m.asked = slices.Delete(m.asked, i, i+1)
			more = append(more, node)
		}
	}
	m.ask(ctx, more)
	m.asking.Wait()
}

// is reports whether two descriptions are of one host.
func (h Host) is(other Host) bool {
	return h.Name != "" && h.Name == other.Name ||
		slices.ContainsFunc(h.Addresses, func(a string) bool { return slices.Contains(other.Addresses, a) })
}

// listed are the nodes of the control plane in the API's list.
func listed(raw []byte) []Host {
	var list struct {
		Items []struct {
			Metadata struct {
				Name   string            `json:"name"`
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Status struct {
				Addresses []struct{ Type, Address string } `json:"addresses"`
			} `json:"status"`
		} `json:"items"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil // then only known hosts are asked
	}
	var out []Host
	for _, n := range list.Items {
		_, old := n.Metadata.Labels["node-role.kubernetes.io/master"]
		if _, now := n.Metadata.Labels["node-role.kubernetes.io/control-plane"]; !old && !now {
			continue
		}
		h := Host{Name: n.Metadata.Name}
		for _, a := range n.Status.Addresses {
			if a.Type == "InternalIP" {
				h.Addresses = append(h.Addresses, a.Address)
			}
		}
		out = append(out, h)
	}
	return out
}

// from collects from a host. It sends the script: hosts of the cluster do not have it.
func (m *masters) from(ctx context.Context, h Host) error {
	select {
	case m.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-m.slots }()
	ctx, cancel := context.WithTimeout(ctx, masterTimeout)
	defer cancel()
	client, address, err := m.reach(ctx, h)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	event.ProgressOf(m.o.Sink, "gathering logs from control-plane host "+h.String())
	script, err := fs.ReadFile(data.Bootstrap(), "files/usr/local/bin/installer-masters-gather.sh")
	if err != nil {
		return err
	}
	place := below("control-plane/" + strings.ReplaceAll(address, "/", "_"))
	return copyFrom(ctx, m.b, client, "sudo -n bash -s", bytes.NewReader(script), io.Discard, place)
}

// reach logs in to a host: directly, or else through the bootstrap host, which may share a private network with it.
func (m *masters) reach(ctx context.Context, h Host) (*sshclient.Client, string, error) {
	var last error
	for _, address := range h.Addresses {
		cfg := m.o.MasterSSH
		cfg.Addr, cfg.Timeout = net.JoinHostPort(address, m.o.Port), directTimeout
		client, err := sshclient.Dial(ctx, cfg)
		if err == nil {
			m.b.logLine("control-plane host " + h.String() + ": gathering, reached directly")
			return client, address, nil
		}
		last = m.reason(err)
		if m.via == nil {
			continue
		}
		cfg.Via, cfg.Timeout = m.via, 2*directTimeout
		client, err = sshclient.Dial(ctx, cfg)
		if err == nil {
			m.b.logLine("control-plane host " + h.String() + ": gathering, reached through the bootstrap host")
			return client, address, nil
		}
		if through := m.reason(err); through.Error() != last.Error() {
			last = fmt.Errorf("directly: %w; through the bootstrap host: %w", last, through)
		}
	}
	return nil, "", last
}

// reason is why a host could not be logged in to.
func (m *masters) reason(err error) error {
	if errors.Is(err, sshclient.ErrRefused) && m.o.NoKey != "" {
		return fmt.Errorf("%w: %s", sshclient.ErrRefused, m.o.NoKey)
	}
	return err
}
