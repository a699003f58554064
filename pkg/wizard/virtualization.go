package wizard

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// Virtualization asks for the fields of virtualization.yaml that matter to a cluster.
type Virtualization struct {
	Ask Asker
	// Cluster is what the file is for. Without masters it is not known, and asked for.
	Cluster virtualization.Cluster

	draft virtualization.Config
}

// Run returns the file, which has no secrets.
func (v *Virtualization) Run(ctx context.Context) ([]byte, error) {
	v.draft = virtualization.Config{APIVersion: virtualization.APIVersion, Kind: virtualization.Kind}
	for _, step := range []func(context.Context) error{
		v.cluster, v.storage, v.images, v.networks, v.migrationNetwork, v.availability, v.backup, v.imports, v.smokeTest,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	text, err := encode(&v.draft)
	if err != nil {
		return nil, err
	}
	if findings := v.load(text); findings.Failed() {
		return nil, fmt.Errorf("the answers do not fit together:\n%w", findings.Err())
	}
	return append([]byte("# `okd-install explain virtualization` describes the fields.\n"), text...), nil
}

// load reads the file and fits it to the cluster.
func (v *Virtualization) load(text []byte) *report.Report {
	c, findings := virtualization.Load(virtualization.File, text)
	if c == nil {
		return findings
	}
	_, fitting := c.Fit(virtualization.File, v.Cluster)
	findings.Include(fitting)
	return findings
}

// problem checks fields of the draft.
func (v *Virtualization) problem(fields ...string) error {
	text, err := encode(&v.draft)
	if err != nil {
		return err
	}
	for _, f := range v.load(text).Findings() {
		for _, at := range fields {
			if !f.Warning && inside(f.Path, report.NewPath(at)) {
				return errors.New(describe(f))
			}
		}
	}
	return nil
}

// text asks for a field until it is valid.
func (v *Virtualization) text(
	ctx context.Context, q Question, preset string, set func(string) error, fields ...string,
) error {
	_, err := v.Ask.Input(ctx, q, preset, func(answer string) error {
		if err := set(strings.TrimSpace(answer)); err != nil {
			return err
		}
		return v.problem(fields...)
	})
	return err
}

// list is a set function for items between commas.
func list(field *[]string) func(string) error {
	return func(answer string) error {
		*field = strings.FieldsFunc(answer, func(r rune) bool { return r == ',' || r == ' ' })
		if len(*field) == 0 {
			return ErrNothing
		}
		return nil
	}
}

// choice is an option of a question and what it does.
type choice struct {
	text string
	take func(context.Context) error
}

func (v *Virtualization) choose(ctx context.Context, q Question, choices []choice) error {
	var options []string
	for _, c := range choices {
		options = append(options, c.text)
	}
	picked, err := v.Ask.Choose(ctx, q, options, 0)
	if err != nil {
		return err
	}
	return choices[picked].take(ctx)
}

// single reports whether VMs run on one node.
func (v *Virtualization) single() bool { return v.Cluster.VMNodes() == 1 }

// cluster asks what an install-config would say.
func (v *Virtualization) cluster(ctx context.Context) error {
	if v.Cluster.Masters > 0 {
		return nil
	}
	_, err := v.Ask.Input(ctx, Question{"Nodes for VMs",
		"How many nodes run VMs: the workers, or the masters if there are no workers. There is no install-config.yaml " +
			"that says so."}, "3", func(answer string) error {
		n, err := strconv.Atoi(strings.TrimSpace(answer))
		if err != nil || n < 1 || n > 10_000 {
			return errors.New("must be a number of nodes")
		}
		v.Cluster.Masters = n
		return nil
	})
	if err != nil {
		return err
	}
	v.Cluster.Virtual, err = v.Ask.Confirm(ctx, Question{"Are the nodes VMs themselves?",
		"VMs inside of VMs need nested virtualization, and networks that let their frames pass."}, false)
	return err
}

func (v *Virtualization) storage(ctx context.Context) error {
	s := &v.draft.Storage
	existing := choice{"existing (a StorageClass that the cluster will have)", func(ctx context.Context) error {
		return v.text(ctx, Question{"StorageClass",
			"The name of the class. VMs migrate only if its volumes can be used on several nodes (ReadWriteMany)."},
			"", Required(&s.Class), "storage.class")
	}}
	hostPath := choice{"hostpath (directories on the nodes)", func(ctx context.Context) error {
		s.Type, s.HostPath = virtualization.HostPathStorage, &virtualization.HostPath{}
		return v.text(ctx, Question{"Directory for VMs", "The directory on every node, below /var."}, "/var/hpvolumes",
			Required(&s.HostPath.Path), "storage.hostPath")
	}}
	lvm := choice{"lvm (spare disks of the nodes)", func(ctx context.Context) error {
		s.Type, s.LVM = virtualization.LVMStorage, &virtualization.LVM{}
		err := v.text(ctx, Question{"Disks for VMs", "The disks that every node has, with commas between them. Links below " +
			"/dev/disk/by-path or by-id stay the same after a restart."},
			"", list(&s.LVM.Devices), "storage.lvm")
		if err != nil {
			return err
		}
		s.LVM.WipeDevices, err = v.Ask.Confirm(ctx, Question{"Delete what is on these disks?",
			"Disks that are not empty are not used otherwise."}, false)
		return err
	}}
	none := choice{"none (VMs without disks of their own)", func(context.Context) error {
		s.Type = virtualization.NoStorage
		return nil
	}}
	choices := []choice{existing, hostPath, lvm, none}
	help := "Disks in directories and on disks of a node stay there: such VMs do not migrate to other nodes."
	if v.single() {
		choices = []choice{hostPath, lvm, existing, none}
		help = "Spare disks are better than directories: they have snapshots."
	}
	disks := virtualization.Storage{Type: virtualization.LVMStorage}
	if !v.available(virtualization.Config{Storage: disks}, "storage.type") {
		choices = slices.DeleteFunc(choices, func(c choice) bool { return c.text == lvm.text })
	}
	return v.choose(ctx, Question{"Storage for VMs", help}, choices)
}

// available reports whether the cluster's release has what a config needs at a field.
func (v *Virtualization) available(c virtualization.Config, field string) bool {
	k := v.Cluster
	if k.Release == "" { // not known, and no question here asks for it
		return true
	}
	_, findings := c.Fit(virtualization.File, k)
	return !slices.ContainsFunc(findings.Findings(), func(f report.Finding) bool {
		return f.Type == report.Forbidden && !f.Warning && inside(f.Path, report.NewPath(field))
	})
}

func (v *Virtualization) images(ctx context.Context) error {
	if v.draft.Storage.Type == virtualization.NoStorage {
		return nil
	}
	yes, err := v.Ask.Confirm(ctx, Question{"Import images of operating systems?",
		"CentOS Stream and Fedora, kept current, from quay.io/containerdisks or its mirror. VMs can be made from them at " +
			"once."}, true)
	if !yes {
		v.draft.GoldenImages.Enabled = new(bool)
	}
	return err
}

func (v *Virtualization) availability(ctx context.Context) error {
	if v.single() {
		return nil
	}
	yes, err := v.Ask.Confirm(ctx, Question{"Restart nodes that do not answer?",
		"The VMs of such a node start on others once it is certain that they no longer run there."}, v.Cluster.VMNodes() > 2)
	if yes {
		v.draft.Availability.NodeHealthCheck = &virtualization.NodeHealthCheck{}
	}
	return err
}

func (v *Virtualization) backup(ctx context.Context) error {
	if !v.available(virtualization.Config{Backup: &virtualization.Backup{}}, "backup") {
		return nil
	}
	yes, err := v.Ask.Confirm(ctx, Question{"Prepare backups of VMs?", "With OADP, in a bucket of S3."}, false)
	if err != nil || !yes {
		return err
	}
	b := &virtualization.Backup{}
	v.draft.Backup = b
	for _, f := range []struct {
		Question
		field  string
		preset string
		set    func(string) error
		needed bool
	}{
		{Question{"S3 URL", "Like https://s3.example.com:9000; empty for Amazon."}, "url", "", Into(&b.URL), true},
		{Question{"S3 Region", "The region of the bucket."}, "region", "", Required(&b.Region), false},
		{Question{"Bucket", "The name of the bucket."}, "bucket", "", Required(&b.Bucket), true},
		{Question{"File with the S3 login", "A file of credentials as the AWS command line has it. Relative to " +
			"the directory of virtualization.yaml."}, "credentials", "s3-credentials", Required(&b.Credentials.File), true},
	} {
		if !f.needed && b.URL != "" {
			continue
		}
		if err := v.text(ctx, f.Question, f.preset, f.set, "backup."+f.field); err != nil {
			return err
		}
	}
	return nil
}

// imports asks for the platform that VMs come from.
func (v *Virtualization) imports(ctx context.Context) error {
	yes, err := v.Ask.Confirm(ctx, Question{"Import VMs from another platform?",
		"With Forklift, from oVirt or vSphere."}, false)
	if err != nil || !yes {
		return err
	}
	p := &virtualization.Provider{}
	path := ""
	err = v.choose(ctx, Question{"Platform of the VMs", "More platforms can be added to the file."}, []choice{
		{"oVirt", func(context.Context) error {
			p.Type, p.Name, path = virtualization.OVirtProvider, "ovirt", "/ovirt-engine/api"
			return nil
		}},
		{"vSphere", func(context.Context) error {
			p.Type, p.Name, path = virtualization.VSphereProvider, "vsphere", "/sdk"
			return nil
		}},
	})
	if err != nil {
		return err
	}
	v.draft.Migration = &virtualization.Migration{Providers: []virtualization.Provider{*p}}
	p = &v.draft.Migration.Providers[0]
	const at = "migration.providers[0]"
	host := func(answer string) error {
		p.URL = answer
		if !strings.Contains(answer, "/") {
			p.URL = "https://" + answer + path
		}
		return nil
	}
	if err := v.text(ctx, Question{"Address of the platform",
		"Its name, or the URL of its API, which ends with " + path + "."}, "", host, at+".url"); err != nil {
		return err
	}
	if err := v.text(ctx, Question{"User", "Like admin@internal or administrator@vsphere.local."}, "",
		Required(&p.Credentials.Username), at+".credentials.username"); err != nil {
		return err
	}
	if err := v.text(ctx, Question{"File with the password",
		"Its first line is the password. Relative to the directory of virtualization.yaml."}, p.Name+"-password",
		Required(&p.Credentials.PasswordFile), at+".credentials"); err != nil {
		return err
	}
	return v.text(ctx, Question{"File with the certificate authority",
		"Certificates in PEM with which the platform's is checked; empty to accept any certificate, " +
			"which anybody between here and there can make."},
		"", v.authority(p), at+".caCertificate")
}

func (v *Virtualization) authority(p *virtualization.Provider) func(string) error {
	return func(answer string) error {
		p.CACertificate, p.InsecureSkipVerify = "", answer == ""
		if answer == "" {
			return nil
		}
		text, err := smallFile(answer)
		p.CACertificate = string(text)
		return err
	}
}

func (v *Virtualization) smokeTest(ctx context.Context) error {
	t := &v.draft.SmokeTest
	yes, err := v.Ask.Confirm(ctx, Question{"Start a VM at the end?",
		"A test, which shows that VMs run; it is removed."}, true)
	if err != nil {
		return err
	}
	if !yes {
		t.Enabled = new(bool)
	}
	if !v.Cluster.Virtual {
		return nil
	}
	t.AllowEmulation, err = v.Ask.Confirm(ctx, Question{"Emulate processors where nodes cannot run VMs?",
		"If the platform has nested virtualization switched off, software emulates the VMs, slower by an order of " +
			"magnitude. For tests only."}, false)
	return err
}

// prefix is a set function for a network.
func prefix(field *netip.Prefix) func(string) error {
	return func(answer string) error {
		p, err := netip.ParsePrefix(answer)
		if err != nil {
			return errors.New("must be a network in CIDR notation, like 10.200.5.0/24")
		}
		*field = p
		return nil
	}
}
