package network

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"

	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

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
