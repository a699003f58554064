package network

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// egress lets pods talk to hosts that know no way to the pod network: the
// bootstrap host, and everything outside the cluster.
type egress interface {
	set(ctx context.Context, own string) error
}

// nftEgress hides a node's pods behind the node's own address, as
// OVN-Kubernetes does, unless they talk to other pods.
type nftEgress struct{ pods []string }

func (e nftEgress) set(ctx context.Context, own string) error {
	cmd := exec.CommandContext(ctx, "/usr/sbin/nft", "-f", "-")
	cmd.Stdin = strings.NewReader(e.rules(own))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("set up egress of pods: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// rules replace the table in one transaction.
func (e nftEgress) rules(own string) string {
	return fmt.Sprintf(`add table ip okd_lab_egress
delete table ip okd_lab_egress
table ip okd_lab_egress {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr %s ip daddr != { %s } masquerade
	}
}
`, own, strings.Join(e.pods, ", "))
}
