package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// route leads to the pods of another node.
type route struct{ Pods, Via string }

// plan computes the routes of a node and its own pod network.
func plan(nodes []corev1.Node, self string) (wanted []route, own string) {
	for i := range nodes {
		n := &nodes[i]
		ip := api.NodeAddress(n)
		switch {
		case n.Name == self:
			own = n.Spec.PodCIDR
		case n.Spec.PodCIDR != "" && ip != "":
			wanted = append(wanted, route{Pods: n.Spec.PodCIDR, Via: ip})
		}
	}
	slices.SortFunc(wanted, func(a, b route) int { return strings.Compare(a.Pods, b.Pods) })
	return wanted, own
}

// protocol marks our routes. The number is free in iproute2's list.
const protocol netlink.RouteProtocol = 143

// setRoutes makes the kernel's routes that this program owns exactly wanted.
func setRoutes(wanted []route) error {
	ours := &netlink.Route{Protocol: protocol}
	list, err := netlink.RouteListFiltered(netlink.FAMILY_V4, ours, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return fmt.Errorf("list routes to pods: %w", err)
	}
	var have []route
	for _, r := range list {
		have = append(have, route{Pods: r.Dst.String(), Via: r.Gw.String()})
	}
	gone, missing := changes(have, wanted)
	for _, r := range gone {
		err = errors.Join(err, r.change(netlink.RouteDel))
	}
	for _, r := range missing {
		err = errors.Join(err, r.change(netlink.RouteReplace))
	}
	return err
}

func (r route) change(do func(*netlink.Route) error) error {
	_, pods, err := net.ParseCIDR(r.Pods)
	if err == nil {
		err = do(&netlink.Route{Dst: pods, Gw: net.ParseIP(r.Via), Protocol: protocol})
	}
	if err != nil {
		return fmt.Errorf("change route to pods %s via %s: %w", r.Pods, r.Via, err)
	}
	return nil
}

// changes are the routes to delete and to set. One to a moved network is replaced,
// not deleted first: the pods behind it stay reachable.
func changes(have, wanted []route) (gone, missing []route) {
	for _, h := range have {
		if !slices.ContainsFunc(wanted, func(w route) bool { return w.Pods == h.Pods }) {
			gone = append(gone, h)
		}
	}
	for _, w := range wanted {
		if !slices.Contains(have, w) {
			missing = append(missing, w)
		}
	}
	return gone, missing
}

// setEgress hides a node's pods behind the node's own address, as OVN-Kubernetes
// does, unless they talk to other pods: the bootstrap host and everything outside
// the cluster know no way to the pod network.
func setEgress(ctx context.Context, own string, pods []string) error {
	rules, err := egressRules(own, pods)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "/usr/sbin/nft", "-f", "-")
	cmd.Stdin = bytes.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("set up egress of pods: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// egressRules replace the table in one transaction.
func egressRules(own string, pods []string) ([]byte, error) {
	return program.FillFile(files, "egress.nft.tmpl", struct {
		Own  string
		Pods []string
	}{own, pods})
}
