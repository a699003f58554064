package bootstrap

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/types"
)

// delayedBootstrap is the file by which the etcd operator hands over with one master
// less than otherwise: the last one is the host that bootstraps.
const delayedBootstrap = home + "/assisted-install-bootstrap"

// diskScript writes the disk of a node that installs itself.
const diskScript = "/usr/local/bin/install-to-disk.sh"

// overlayGenerator decides at boot whether the node image is needed.
const overlayGenerator = "/etc/systemd/system-generators/node-image-overlay-generator"

// bootUnits bring a host from its boot to the bootstrap. A live system has booted; the
// agent's unit of the same name replaces the second one.
var bootUnits = map[string]bool{"node-image-overlay.target": true, "node-image-finish.service": true}

// approver is in the names of all parts of the Job that approves certificate requests
// when this host is gone. A single node approves its own.
const approver = "agent-approver"

// addAgent adds what a live system needs that is running already.
func addAgent(b *builder, in Inputs) error {
	if !in.Agent {
		return nil
	}
	if !in.InPlace {
		b.text(delayedBootstrap, readable, "")
		addApprover(b, in.Config)
	}
	err := eachFile(data.Bootstrap(), "agent/files", func(name string, content []byte) error {
		if in.InPlace && strings.Contains(name, approver) {
			return nil
		}
		b.file(strings.TrimPrefix(name, "agent/files"), modeOf(content), content)
		return nil
	})
	if err != nil {
		return err
	}
	return eachFile(data.Bootstrap(), "agent/units", func(name string, content []byte) error {
		b.unit(path.Base(name), string(content), false)
		return nil
	})
}

// addApprover adds the addresses that certificates may have, and must not have, one a line.
func addApprover(b *builder, c *types.InstallConfig) {
	var networks, reserved strings.Builder
	for _, p := range c.Networking.MachineCIDRs() {
		fmt.Fprintln(&networks, p)
	}
	for _, ip := range slices.Concat(c.APIVIPs(), c.IngressVIPs()) {
		fmt.Fprintln(&reserved, ip)
	}
	dir := path.Join(home, approver+"-objects")
	b.text(path.Join(dir, "networks"), readable, networks.String())
	b.text(path.Join(dir, "reserved"), readable, reserved.String())
}
