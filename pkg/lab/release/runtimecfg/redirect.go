package runtimecfg

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
)

// table is this program's own, so that nobody else's rules are touched.
const redirectTable = "okd_api_vip"

// Rules switches the redirection by the nft program.
type Rules struct {
	NFT  string // path of nft
	VIP  string
	From int // port of the API
	To   int // port of the balancer
}

// script replaces the table in one transaction. Packets from outside pass
// prerouting; those of this machine pass output, and leave through lo exactly
// when it holds the address.
func (r Rules) script() string {
	return fmt.Sprintf(`add table ip %[1]s
delete table ip %[1]s
table ip %[1]s {
	chain prerouting {
		type nat hook prerouting priority -110; policy accept;
		ip daddr %[2]s tcp dport %[3]d redirect to :%[4]d
	}
	chain output {
		type nat hook output priority -110; policy accept;
		oifname "lo" ip daddr %[2]s tcp dport %[3]d redirect to :%[4]d
	}
}
`, redirectTable, r.VIP, r.From, r.To)
}

// On sends connections for the API address to the balancer.
func (r Rules) On(ctx context.Context) error { return r.run(ctx, r.script()) }

// Off lets them reach the local API server again.
func (r Rules) Off(ctx context.Context) error {
	return r.run(ctx, fmt.Sprintf("add table ip %[1]s\ndelete table ip %[1]s\n", redirectTable))
}

func (r Rules) run(ctx context.Context, script string) error {
	cmd := exec.CommandContext(ctx, r.NFT, "-f", "-")
	cmd.Stdin = bytes.NewBufferString(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("set redirection of %s: %w: %s", r.VIP, err, bytes.TrimSpace(out))
	}
	return nil
}
