//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"
)

// theBootstrap is the machine that runs the temporary control plane, at the address
// that docs/user/upi.md gives it.
const (
	theBootstrap     = "bootstrap"
	bootstrapAddress = "198.18.0.20"
)

// withBareSystem has the lab make an OS without kubelet, oc and runtime, and a
// release that brings them, before it starts.
func (l *lab) withBareSystem(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	began := time.Now()
	if out, err := l.command(ctx, "setup", "--bare").CombinedOutput(); err != nil {
		t.Fatalf("okd-lab setup --bare: %v\n%s", err, out)
	}
	t.Logf("bare system ready after %.0f s", time.Since(began).Seconds())
}

// bareBootstrap starts a bootstrap host on a bare system: the scripts of bootstrap.ign
// take its programs from the release's node image. At first the image cannot be
// pulled, and one pull is killed.
func (l *lab) bareBootstrap(t *testing.T, ignition string) {
	t.Helper()
	l.okdLab(t, "fault", "service", "registry", "off")
	l.machine(t, theBootstrap, ignition, 20, "--bare")
	on := func(command ...string) (string, error) {
		return l.tryLab(t, append([]string{"machines", "exec", theBootstrap, "--"}, command...)...)
	}
	eventually(t, 2*time.Minute, func() string {
		const look = "test ! -e /usr/bin/kubelet && test ! -e /usr/bin/oc && " +
			"systemctl is-active release-image.service || true"
		out, err := l.inside(t, "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5",
			"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
			"-i", l.facts(t).SSHKey, "core@"+bootstrapAddress, look)
		if !strings.Contains(out, "activating") {
			return "nobody gets into a host that waits for its node image: " + out + errText(err)
		}
		return ""
	})
	l.okdLab(t, "fault", "service", "registry", "on")
	began := time.Now()
	eventually(t, 5*time.Minute, func() string {
		if _, err := on("pgrep", "-f", "ostree-container|ostree checkout"); err != nil {
			return "the node image is not pulled: " + errText(err)
		}
		return ""
	})
	if out, err := on("systemctl", "kill", "--signal=KILL", "node-image-pull.service"); err != nil {
		t.Errorf("kill the pull: %v\n%s", err, out)
	}
	eventually(t, 5*time.Minute, func() string {
		out, _ := on("sh", "-c", "systemctl is-active node-image-overlay.target multi-user.target crio kubelet || true")
		if strings.Join(strings.Fields(out), " ") != "inactive active active active" {
			return "the host does not go on with the node image: " + out
		}
		return ""
	})
	took := time.Since(began).Seconds()
	measured(t, "bare bootstrap host: has the node image's programs after %.0f s, one kill included", took)
	const deployed, records = "/sysroot/ostree/deploy/scos/deploy/*", "/var/log/openshift/node-image-pull.json"
	for what, script := range map[string]string{
		"the programs are not there":              "test -x /usr/bin/kubelet && test -x /usr/bin/oc",
		"the programs are those of the boot disk": "! ls " + deployed + "/usr/bin/kubelet",
		"the checkout takes the space twice":      `test "$(stat --format=%h /usr/bin/hyperkube)" -ge 2`,
		"programs can be written":                 "! touch /usr/bin/x",
		"settings of the image are missing":       "test -e /etc/systemd/system/crio.service",
		"settings of the host are lost":           "test -e /etc/kubernetes/kubelet.conf && grep ^core: /etc/passwd",
		"the modules are not the kernel's":        "test /usr/lib/modules -ef " + deployed + "/usr/lib/modules",
		"a unit failed":                           `test -z "$(systemctl --failed --plain --no-legend 'node-image-*')"`,
		"the records do not end well":             `jq -e '.[-1].phase == "service end"' ` + records,
	} {
		if out, err := on("sh", "-c", script); err != nil {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
