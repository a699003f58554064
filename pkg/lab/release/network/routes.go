package network

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
)

// route leads to the pods of another node.
type route struct{ Pods, Via string }

// routes are the kernel's routes that this program owns.
type routes interface {
	// set makes them exactly wanted.
	set(ctx context.Context, wanted []route) error
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
const protocol = "143"

// ipRoutes sets routes with the ip program.
type ipRoutes struct{}

func (ipRoutes) set(ctx context.Context, wanted []route) error {
	out, err := ip(ctx, "", "-j", "-4", "route", "show", "proto", protocol)
	if err != nil {
		return err
	}
	have, err := parseRoutes(out)
	if err != nil {
		return err
	}
	batch := changes(have, wanted)
	if batch == "" {
		return nil
	}
	_, err = ip(ctx, batch, "-batch", "-")
	return err
}

func ip(ctx context.Context, stdin string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "/usr/sbin/ip", args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(problem.String()))
	}
	return out.Bytes(), nil
}

// parseRoutes reads the JSON of ip; an empty table prints nothing or [].
func parseRoutes(data []byte) ([]route, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	var list []struct {
		Dst     string `json:"dst"`
		Gateway string `json:"gateway"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("parse routes: %w", err)
	}
	var out []route
	for _, r := range list {
		out = append(out, route{Pods: r.Dst, Via: r.Gateway})
	}
	return out, nil
}

// changes are the lines for ip -batch that turn have into wanted.
func changes(have, wanted []route) string {
	var b strings.Builder
	for _, h := range have {
		// A route to a moved network is replaced below, not deleted first:
		// the pods behind it stay reachable.
		if !slices.ContainsFunc(wanted, func(w route) bool { return w.Pods == h.Pods }) {
			fmt.Fprintf(&b, "route del %s proto %s\n", h.Pods, protocol)
		}
	}
	for _, w := range wanted {
		if !slices.Contains(have, w) {
			fmt.Fprintf(&b, "route replace %s via %s proto %s\n", w.Pods, w.Via, protocol)
		}
	}
	return b.String()
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
