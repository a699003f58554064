package nodes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"strings"
	"text/tabwriter"

	metal3 "github.com/metal3-io/baremetal-operator/apis/metal3.io/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/addnodes"
	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/handoff"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/types"
)

const worker = types.WorkerPool

// role is what a node is for.
func role(n corev1.Node) string { return addnodes.RoleOf(n) }

// Node is a node of the cluster.
type Node struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	Ready bool   `json:"ready"`
	// NotReady is why it is not.
	NotReady      string       `json:"notReady,omitempty"`
	Unschedulable bool         `json:"unschedulable,omitempty"`
	Version       string       `json:"version"`
	Addresses     []netip.Addr `json:"addresses"`
	SystemUUID    string       `json:"systemUUID"`
	// Host is what the cluster's operators know of its machine.
	Host *Host `json:"host,omitempty"`
}

// Host is a host with a BMC as the cluster's operators know it.
type Host struct {
	Name      string `json:"name"`
	BMC       string `json:"bmc,omitempty"`
	PoweredOn bool   `json:"poweredOn"`
	State     string `json:"state"`
}

// Waiting is a host of nodes-config.yaml that is no node yet.
type Waiting struct {
	Hostname string   `json:"hostname,omitempty"`
	Role     string   `json:"role"`
	MACs     []string `json:"macs"`
	BMC      string   `json:"bmc,omitempty"`
}

// Listing is the answer of nodes list.
type Listing struct {
	InfraID string    `json:"infraID"`
	Nodes   []Node    `json:"nodes"`
	Waiting []Waiting `json:"waiting"`
}

// List is the command nodes list. It changes nothing.
func List(ctx context.Context, e *install.Env, kubeconfig string) (Listing, error) {
	c, err := open(ctx, e, kubeconfig)
	if err != nil {
		return Listing{}, err
	}
	out := Listing{InfraID: c.infraID, Nodes: []Node{}, Waiting: []Waiting{}}
	nodes, err := c.nodes(ctx)
	if err != nil {
		return out, err
	}
	hosts, err := c.bareMetalHosts(ctx)
	if err != nil {
		event.Warn(e.Sink, "What the cluster knows of its hosts could not be read", "err", err)
	}
	for _, n := range nodes {
		why, ready := handoff.NotReady(n)
		if ready {
			why = ""
		}
		out.Nodes = append(out.Nodes, Node{
			Name: n.Name, Role: role(n), Ready: ready, NotReady: why, Unschedulable: n.Spec.Unschedulable,
			Version: n.Status.NodeInfo.KubeletVersion, Addresses: addressesOf(n), SystemUUID: n.Status.NodeInfo.SystemUUID,
			Host: hostOf(n, hosts),
		})
	}
	config, err := readNodes(e)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		event.Warn(e.Sink, "Which hosts are to join could not be read", "err", err)
		return out, nil
	}
	source := (&addnodes.Cluster{}).Record(config, addnodes.Access{})
	for i, h := range source.Hosts {
		if isNode(h, nodes) {
			continue
		}
		w := Waiting{Hostname: h.Hostname, Role: h.Role, MACs: h.MACs}
		if bmc := config.Hosts[i].BMC; bmc != nil {
			w.BMC = bmc.Address
		}
		out.Waiting = append(out.Waiting, w)
	}
	return out, nil
}

// isNode reports whether a host of nodes-config.yaml is a node, by its name or a static address.
func isNode(h addnodes.RecordedHost, nodes []corev1.Node) bool {
	if h.Hostname != "" && byName(nodes, h.Hostname) != nil {
		return true
	}
	for _, n := range nodes {
		for _, has := range addressesOf(n) {
			for _, ip := range h.Addresses {
				if ip == has && h.Hostname == "" {
					return true
				}
			}
		}
	}
	return false
}

func hostOf(n corev1.Node, hosts []metal3.BareMetalHost) *Host {
	for _, b := range hosts {
		if nodeOf(b, []corev1.Node{n}) == n.Name {
			return &Host{Name: b.Name, BMC: b.Spec.BMC.Address, PoweredOn: b.Status.PoweredOn,
				State: string(b.Status.Provisioning.State)}
		}
	}
	return nil
}

// WriteText writes tables for people.
func (l Listing) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tROLE\tSTATUS\tVERSION\tADDRESSES\tSYSTEM UUID\tBMC\tPOWER")
	for _, n := range l.Nodes {
		status := "Ready"
		if !n.Ready {
			status = "NotReady"
		}
		if n.Unschedulable {
			status += ",SchedulingDisabled"
		}
		bmc, power := "", ""
		if n.Host != nil {
			bmc, power = n.Host.BMC, "off"
			if n.Host.PoweredOn {
				power = "on"
			}
		}
		fmt.Fprintln(t, strings.Join([]string{n.Name, n.Role, status, orDash(n.Version), orDash(joined(n.Addresses)),
			orDash(n.SystemUUID), orDash(bmc), orDash(power)}, "\t"))
	}
	if err := t.Flush(); err != nil || len(l.Waiting) == 0 {
		return err
	}
	fmt.Fprintln(w, "\nHosts of nodes-config.yaml that are no nodes:")
	t = tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "HOST\tROLE\tMAC\tBMC")
	for _, h := range l.Waiting {
		mac := ""
		if len(h.MACs) > 0 {
			mac = h.MACs[0]
		}
		fmt.Fprintln(t, strings.Join([]string{orDash(h.Hostname), h.Role, orDash(mac), orDash(h.BMC)}, "\t"))
	}
	return t.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func joined(list []netip.Addr) string {
	out := make([]string, len(list))
	for i, ip := range list {
		out[i] = ip.String()
	}
	return strings.Join(out, ",")
}
