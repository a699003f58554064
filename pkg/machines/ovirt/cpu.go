package ovirt

import (
	"context"
	"strings"

	"github.com/okd-install/okd-install/pkg/plan"
)

// cpuFamilies sorts the CPU types of clusters by a word that stands in their
// names: "Intel SandyBridge Family", "Secure Intel Haswell Family", "AMD Opteron
// G5", "Intel Haswell-noTSX IBRS Family". The names are those of the engine's
// ServerCPUList option, compatibility levels 4.2 to 4.8 (oVirt/ovirt-engine,
// packaging/dbscripts/upgrade/pre_upgrade/0000_config.sql). Which processors are
// of level 3 is in the x86-64 psABI; Opteron G5 (Piledriver) has no AVX2.
var cpuFamilies = []struct {
	word string
	v3   bool
}{
	{"Conroe", false}, {"Penryn", false}, {"Nehalem", false}, {"Westmere", false},
	{"SandyBridge", false}, {"IvyBridge", false}, {"Opteron G", false},
	{"Haswell", true}, {"Broadwell", true}, {"Skylake", true}, {"Cascadelake", true},
	{"Icelake", true}, {"SapphireRapids", true}, {"EPYC", true},
}

// atLeastV3 reports whether the machines of a cluster with that CPU type can run
// x86-64-v3, and whether the type is known at all.
func atLeastV3(cpuType string) (v3, known bool) {
	for _, f := range cpuFamilies {
		if strings.Contains(cpuType, f.word) {
			return f.v3, true
		}
	}
	return false, false
}

// checkCPU keeps a system from being started on processors that it was not
// built for: it would not get as far as saying so.
func (c *checker) checkCPU(context.Context) error {
	if c.cpuLevel() != plan.CPULevelV3 {
		return nil
	}
	at := platformPath.Child("ovirt_cluster_id")
	v3, known := atLeastV3(c.cluster.CPUType)
	switch {
	case !known:
		c.r.Field(at).Warn(c.cluster.ID,
			"cluster %s has CPU type %q, and whether that is %s, which CentOS Stream CoreOS 10 needs, is not known",
			c.cluster.Name, c.cluster.CPUType, plan.CPULevelV3)
	case !v3:
		c.r.Field(at).Invalid(c.cluster.ID,
			"cluster %s has CPU type %q, and this release's CentOS Stream CoreOS 10 needs %s (Intel Haswell, "+
				"AMD EPYC or later); raise the type in the engine if all hosts are newer, or name another cluster",
			c.cluster.Name, c.cluster.CPUType, plan.CPULevelV3)
	}
	return nil
}

// cpuLevel is what the image needs that the plan uploads.
func (c *checker) cpuLevel() string {
	for _, d := range specs[plan.Disk](c.pl, plan.KindDisk) {
		return d.Image.CPULevel
	}
	return ""
}
