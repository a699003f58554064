package wizard_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/testkit/golden"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
	"github.com/okd-install/okd-install/pkg/wizard"
	"github.com/okd-install/okd-install/pkg/wizard/wizardtest"
)

// lines are questions and answers, `question: answer, refused answers first | answer`.
func lines(script string) []wizardtest.Line {
	var out []wizardtest.Line
	for text := range strings.Lines(script) {
		if text = strings.TrimSpace(text); text != "" {
			question, answers, _ := strings.Cut(text, ": ")
			line := wizardtest.Line{question}
			for answer := range strings.SplitSeq(answers, " | ") {
				if answer == "ENTER" {
					answer = ""
				}
				line = append(line, answer)
			}
			out = append(out, line)
		}
	}
	return out
}

const okd = "4.21.0-okd-scos.3"

// virtualizations are scripts whose files are in testdata.
var virtualizations = []struct {
	name    string
	cluster virtualization.Cluster
	script  string
}{
	{"single", virtualization.Cluster{Release: okd, Masters: 1}, `
		Storage for VMs: ENTER
		Directory for VMs: /data | /var/lib/kubelet | ENTER
		Import images of operating systems?: ENTER
		Attach VMs to a network of yours?: ENTER
		Prepare backups of VMs?: ENTER
		Import VMs from another platform?: ENTER
		Start a VM at the end?: ENTER
	`},
	{"disks", virtualization.Cluster{Release: okd, Masters: 1}, `
		Storage for VMs: lvm
		Disks for VMs: ENTER | sdb | /dev/disk/by-path/pci-0, /dev/disk/by-path/pci-1
		Delete what is on these disks?: y
		Import images of operating systems?: n
		Attach VMs to a network of yours?: ENTER
		Prepare backups of VMs?: ENTER
		Import VMs from another platform?: ENTER
		Start a VM at the end?: n
	`},
	{"hardware", virtualization.Cluster{Release: okd, Masters: 3, Workers: 3}, `
		Storage for VMs: ENTER
		StorageClass: ENTER | Ceph | ceph-block
		Import images of operating systems?: ENTER
		Attach VMs to a network of yours?: y
		Network Name: ENTER | VLAN100 | vlan100
		Where is it?: bridge
		Bridge: br-ex | br1
		Make this bridge on the nodes?: ENTER
		Network Cards: ENTER | eno2,eno2 | eno2, eno3
		Mode of the bond: 802.3ad
		VLAN: 0 | 5000 | 100
		Another network?: y
		Network Name: vlan100 | vlan200
		Where is it?: bridge
		Bridge: ENTER
		VLAN: 200
		Another network?: y
		Network Name: office
		Where is it?: machine network
		VLAN: ENTER
		Another network?: ENTER
		Use a network of its own for live migrations?: y
		Interface for migrations: ENTER | eno4
		Subnet for migrations: 10.200.5.1 | 10.200.5.1/24 | 10.200.5.0/24
		Restart nodes that do not answer?: ENTER
		Prepare backups of VMs?: y
		S3 URL: s3.test | https://s3.test:9000
		Bucket: VMs | vm-backups
		File with the S3 login: ENTER
		Import VMs from another platform?: y
		Platform of the VMs: oVirt
		Address of the platform: https://engine.test/ovirt-engine | engine.test
		User: ENTER | admin@internal
		File with the password: ENTER
		File with the certificate authority: /nonexistent/ca.pem | ENTER
		Start a VM at the end?: ENTER
	`},
	{"virtual", virtualization.Cluster{Release: "4.22.0-okd-scos.1", Masters: 3, Workers: 2, Virtual: true}, `
		Storage for VMs: none
		Attach VMs to a network of yours?: y
		Network Name: a
		Where is it?: bridge
		Bridge: br7
		VLAN: ENTER
		Another network?: n
		Use a network of its own for live migrations?: ENTER
		Restart nodes that do not answer?: ENTER
		Import VMs from another platform?: y
		Platform of the VMs: vSphere
		Address of the platform: http://vc.test/sdk | https://vc.test/sdk
		User: administrator@vsphere.local
		File with the password: vc
		File with the certificate authority: ENTER
		Start a VM at the end?: ENTER
		Emulate processors where nodes cannot run VMs?: y
	`},
	{"unknown", virtualization.Cluster{}, `
		Nodes for VMs: no | 0 | 2
		Are the nodes VMs themselves?: ENTER
		Storage for VMs: hostpath
		Directory for VMs: ENTER
		Import images of operating systems?: ENTER
		Attach VMs to a network of yours?: ENTER
		Use a network of its own for live migrations?: ENTER
		Restart nodes that do not answer?: ENTER
		Prepare backups of VMs?: y
		S3 URL: ENTER
		S3 Region: ENTER | eu-central-1
		Bucket: vm-backups
		File with the S3 login: ENTER
		Import VMs from another platform?: ENTER
		Start a VM at the end?: ENTER
	`},
}

func TestVirtualization(t *testing.T) {
	for _, tt := range virtualizations {
		t.Run(tt.name, func(t *testing.T) {
			text, _, err := wizardtest.Virtualization(t, tt.cluster, lines(tt.script)...)
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", "virtualization-"+tt.name+".yaml"), text)
			c, found := virtualization.Load(virtualization.File, text)
			if c == nil {
				t.Fatal(found.Err())
			}
		})
	}
}

// TestVirtualizationInterrupted leaves at every question.
func TestVirtualizationInterrupted(t *testing.T) {
	for _, tt := range virtualizations {
		all := lines(tt.script)
		for i := range all {
			script := append(slices.Clone(all[:i]), wizardtest.Line{all[i][0], "!"})
			text, _, err := wizardtest.Virtualization(t, tt.cluster, script...)
			if !errors.Is(err, wizard.ErrInterrupted) || text != nil {
				t.Errorf("%s, %s: %v", tt.name, all[i][0], err)
			}
		}
	}
}

// Storage that is best for the cluster comes first, and what the release does not have is not offered.
func TestVirtualizationStorage(t *testing.T) {
	for name, tt := range map[string]struct {
		cluster virtualization.Cluster
		want    string
	}{
		"one node":               {virtualization.Cluster{Release: okd, Masters: 1}, "hostpath lvm existing none"},
		"several":                {virtualization.Cluster{Release: okd, Masters: 3}, "existing hostpath lvm none"},
		"a release without LVM":  {virtualization.Cluster{Release: "4.22.0", Masters: 1}, "hostpath existing none"},
		"a release that is open": {virtualization.Cluster{Masters: 1}, "hostpath lvm existing none"},
	} {
		_, s, err := wizardtest.Virtualization(t, tt.cluster, wizardtest.Line{"Storage for VMs", "!"})
		var got []string
		for _, o := range s.Offered["Storage for VMs"] {
			first, _, _ := strings.Cut(o, " ")
			got = append(got, first)
		}
		if !errors.Is(err, wizard.ErrInterrupted) || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
