//go:build integration

package liveiso_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/iso"
)

// The inputs of a cluster whose rendezvous host is the machine in QEMU: its network card
// has QEMU's default address, and gets the address by a profile of the image.
const (
	installConfig = `apiVersion: v1
metadata: {name: rack1}
baseDomain: example.org
controlPlane: {name: master, replicas: 3}
compute: [{name: worker, replicas: 0}]
networking: {machineNetwork: [{cidr: 10.0.2.0/24}]}
platform: {none: {}}
pullSecret: '{"auths":{"registry.example.org":{"auth":"dXNlcjpwYXNzd29yZA=="}}}'
`
	agentConfig = `apiVersion: v1beta1
kind: AgentConfig
metadata: {name: rack1}
rendezvousIP: 10.0.2.77
hosts:
- hostname: master-0
  role: master
  interfaces: [{name: eno1, macAddress: "52:54:00:12:34:56"}]
  networkConfig:
    interfaces:
    - name: eno1
      type: ethernet
      state: up
      ipv4: {enabled: true, dhcp: false, address: [{ip: 10.0.2.77, prefix-length: 24}]}
    routes: {config: [{destination: 0.0.0.0/0, next-hop-address: 10.0.2.2, next-hop-interface: eno1}]}
`
	releaseImage = "registry.example.org/okd/release@sha256:" +
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// agentPage is what the page on the console has when the agent has looked at the host, and
// runs the service.
var agentPage = []string{
	"OKD cluster rack1.example.org: installation",
	"Addresses      10.0.2.77",
	"Rendezvous     10.0.2.77, which is this host",
}

// agentImage makes an image with the program that users get.
func agentImage(t *testing.T, pristine string) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "okd-install")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../../cmd/okd-install")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // hosts have other libraries
	run := exec.CommandContext(t.Context(), program, "agent", "create", "image", "--dir", dir)
	run.Env = append(os.Environ(), "HOME="+dir,
		"OPENSHIFT_INSTALL_RELEASE_IMAGE_OVERRIDE="+releaseImage, "OPENSHIFT_INSTALL_OS_IMAGE_OVERRIDE="+pristine)
	for name, text := range map[string]string{"install-config.yaml": installConfig, "agent-config.yaml": agentConfig} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, cmd := range []*exec.Cmd{build, run} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	path := filepath.Join(dir, "agent.x86_64.iso")
	got, want := squeezed(bootRecords(t, path)), resized(t, squeezed(bootRecords(t, pristine)), pristine, path)
	if got != want {
		t.Errorf("apart from the size of the image, the boot records were:\n%s\nand are:\n%s", want, got)
	}
	err := iso.Edit(t.Context(), path, "", io.Discard, func(i *iso.Image) error {
		kargs, err := i.Kargs()
		if err != nil {
			return err
		}
		return i.SetKargs(kargs + " " + testKargs)
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// squeezed has one space where the columns of a table may have several.
func squeezed(table string) string { return regexp.MustCompile(` +`).ReplaceAllString(table, " ") }

// resized are the boot records of an image that has grown: the partition that is the whole
// image and the area for partitions grow with it.
func resized(t *testing.T, records, before, after string) string {
	t.Helper()
	for _, less := range []int64{0, 1, 64} { // the image, its last block, and without the backup of the GPT
		records = strings.ReplaceAll(records, fmt.Sprint(blocks(t, before)-less), fmt.Sprint(blocks(t, after)-less))
	}
	return records
}

func blocks(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size() / 512
}

// TestAgentImage boots an image of agent create image with BIOS and with UEFI, until the
// agent shows its page on the serial console.
func TestAgentImage(t *testing.T) {
	path := agentImage(t, labISO(t))
	for name, args := range map[string][]string{"BIOS": fromDVD(path), "UEFI": fromStick(t, path)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			boot(t, args, agentPage...)
		})
	}
}
