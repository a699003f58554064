package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// route leads to the pods of another node.
type route struct{ Pods, Via string }

// routes are the kernel's routes that this program owns.
type routes interface {
	// set makes them exactly wanted.
	set(wanted []route) error
}

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

// protocol marks our routes, so that no one else's is removed. The number is
// free in iproute2's list of protocols.
const protocol netlink.RouteProtocol = 143

type kernelRoutes struct{}

func (kernelRoutes) set(wanted []route) error {
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

// changes are the routes to delete, and to set, where have should be wanted. A
// route to a moved network is replaced, not deleted first: the pods behind it
// stay reachable.
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

// cniConfig is the node's CNI configuration: a bridge, addresses from the
// node's own network, host ports. Pods keep their addresses on the way to
// other nodes, which know them by their routes.
func cniConfig(podCIDR string) ([]byte, error) {
	config := map[string]any{
		"cniVersion": "0.4.0",
		"name":       "okd-lab",
		"plugins": []any{
			map[string]any{
				"type": "bridge", "bridge": "cni0", "isGateway": true, "isDefaultGateway": true,
				"ipMasq": false, "hairpinMode": true,
				"ipam": map[string]any{
					"type":   "host-local",
					"ranges": []any{[]any{map[string]any{"subnet": podCIDR}}},
				},
			},
			map[string]any{"type": "portmap", "capabilities": map[string]any{"portMappings": true}},
		},
	}
	data, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode CNI configuration: %w", err)
	}
	return append(data, '\n'), nil
}
