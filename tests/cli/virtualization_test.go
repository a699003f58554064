package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

const singleNode = `apiVersion: v1
metadata: {name: demo}
baseDomain: example.org
controlPlane: {name: master, replicas: 1}
compute: [{name: worker, replicas: 0}]
platform: {none: {}}
pullSecret: '{"auths":{"fake":{"auth":"aWQ6cGFzcwo="}}}'
`

// TestVirtualizationWizard answers the questions for a single node at a terminal.
func TestVirtualizationWizard(t *testing.T) {
	home, env := home(t)
	dir := filepath.Join(home, "demo")
	must(t, os.Mkdir(dir, 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "install-config.yaml"), []byte(singleNode), 0o600))
	path := filepath.Join(dir, virtualization.File)
	ask := func(args ...string) *console {
		return atTerminal(t, env, append([]string{"create", "virtualization-config", "--dir", dir}, args...)...)
	}
	rest := func(c *console) {
		c.answer("Import images of operating systems?", "n")
		c.answer("Attach VMs to a network of yours?", "")
		c.answer("Prepare backups of VMs?", "")
		c.answer("Import VMs from another platform?", "")
		c.answer("Start a VM at the end?", "")
		c.expect("Virtualization-Config created in: " + path)
		c.end(0)
	}

	c := ask()
	c.choose("Storage for VMs", "\x03")
	c.expect("interrupted")
	c.end(8)
	if _, err := os.Lstat(path); err == nil {
		t.Error("an interrupted wizard has written the file")
	}

	c = ask()
	c.choose("Storage for VMs", "\r")
	c.answer("Directory for VMs", "/data")
	c.expect("must be a directory below /var")
	c.answer("Directory for VMs", "/var/vms")
	rest(c)
	first, err := os.ReadFile(path)
	must(t, err)
	config, findings := virtualization.Load(path, first)
	must(t, findings.Err())
	if config.Storage.HostPath.Path != "/var/vms" || *config.GoldenImages.Enabled || mode(t, path) != 0o600 {
		t.Errorf("mode %v\n%s", mode(t, path), first)
	}

	// A file that is there is checked, unless it may be replaced.
	c = ask()
	c.expect("is valid. It fits the cluster of install-config.yaml")
	c.end(0)
	c = ask("--overwrite")
	c.choose("Storage for VMs", "\x03")
	c.expect("interrupted")
	c.end(8)
	if kept, err := os.ReadFile(path); err != nil || string(kept) != string(first) {
		t.Errorf("the file was changed: %v\n%s", err, kept)
	}
	c = ask("--overwrite")
	c.choose("Storage for VMs", "existing\r")
	c.answer("StorageClass", "ceph")
	rest(c)
	if second, err := os.ReadFile(path); err != nil || !strings.Contains(string(second), "class: ceph\n") ||
		mode(t, path) != 0o600 {
		t.Errorf("mode %v, %v\n%s", mode(t, path), err, second)
	}
}
