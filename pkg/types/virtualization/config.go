// Package virtualization is virtualization.yaml: what a cluster needs to run virtual machines.
package virtualization

import (
	"fmt"
	"time"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// File is the name of the file.
const File = "virtualization.yaml"

// The only version and kind of the file.
const (
	APIVersion = "virtualization.okd-install.io/v1alpha1"
	Kind       = "Virtualization"
)

// Namespace is where the HyperConverged operator is, and where it looks for the networks that it uses.
const Namespace = "kubevirt-hyperconverged"

// Config is the content of virtualization.yaml. Only apiVersion and kind are required.
type Config struct {
	// APIVersion is the version of this file's format.
	APIVersion string `json:"apiVersion" required:"true" enum:"virtualization.okd-install.io/v1alpha1"`
	// Kind is the kind of this file. Only Virtualization is allowed.
	Kind string `json:"kind" required:"true" enum:"Virtualization"`
	// Enabled deploys virtualization when a cluster is created. Default: true. The flag --virtualization decides
	// over it.
	Enabled *bool `json:"enabled,omitempty" default:"true"`
	// Operator is where the operators come from.
	Operator Operator `json:"operator,omitzero"`
	// HyperConverged is the settings of the virtualization itself.
	HyperConverged HyperConverged `json:"hyperConverged,omitzero"`
	// GoldenImages are images of operating systems, kept current, from which VMs are made.
	GoldenImages GoldenImages `json:"goldenImages,omitzero"`
	// Storage is where the disks of VMs are.
	Storage Storage `json:"storage,omitzero"`
	// HostNetwork is bonds, VLANs and bridges on the nodes, for networks of VMs. Default: none.
	HostNetwork []HostNetworkPolicy `json:"hostNetwork,omitempty"`
	// Networks are networks that VMs can be attached to besides the pod network. Default: none.
	Networks []Network `json:"networks,omitempty"`
	// Availability is what happens when a node fails or is overloaded.
	Availability Availability `json:"availability,omitzero"`
	// Backup is backups of VMs with OADP. Default: none.
	Backup *Backup `json:"backup,omitempty"`
	// Migration is the import of VMs from other platforms with Forklift. Default: none.
	Migration *Migration `json:"migration,omitempty"`
	// Pipelines are the Tekton tasks for VMs. Default: none.
	Pipelines *Pipelines `json:"pipelines,omitempty"`
	// SmokeTest is the VM that is started at the end to prove that VMs run.
	SmokeTest SmokeTest `json:"smokeTest,omitzero"`

	source *report.Report
}

// SmokeTest is how virtualization is tested once it is deployed.
type SmokeTest struct {
	// Enabled runs the test at the end of a deployment. Default: true. The command virtualization test runs it in
	// any case.
	Enabled *bool `json:"enabled,omitempty" default:"true"`
	// AllowEmulation lets software emulate the processor of VMs on nodes without /dev/kvm, for the whole cluster.
	// Default: false. VMs are slower by an order of magnitude; for tests only.
	AllowEmulation bool `json:"allowEmulation,omitempty"`
	// Image is the container disk that the VM boots. Default: quay.io/containerdisks/fedora:latest, or its mirror.
	Image string `json:"image,omitempty" pattern:"image"`
	// Timeout is how long the VM may take to start. Default: 5m, and 15m if emulation is allowed.
	Timeout Duration `json:"timeout,omitzero"`
}

// Duration is a length of time in the form of Go, like 1m30s.
type Duration struct{ time.Duration }

// UnmarshalText reads the form of Go.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("must be a duration like 90s, 5m or 1h30m")
	}
	d.Duration = v
	return nil
}

// MarshalText writes the form of Go.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// report is an empty report about the file.
func (c *Config) report() *report.Report {
	if c.source == nil { // not made by Load or Fit
		return report.New(File)
	}
	return c.source.Again()
}

// Load decodes a virtualization.yaml and applies the rules that concern it alone; Fit applies those
// that depend on the cluster. The path is only for messages. The config is nil if the report has failed.
func Load(path string, data []byte) (*Config, *report.Report) {
	r := report.New(path)
	c := &Config{source: r}
	read := decode.Into(c, data, decode.Options{}, r)
	r.Unread = r.Failed()
	if read {
		c.check(r.Field(report.Path{}))
	}
	if r.Failed() {
		return nil, r
	}
	return c, r
}
