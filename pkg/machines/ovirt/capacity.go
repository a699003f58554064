package ovirt

import (
	"context"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/machines"
	api "github.com/okd-install/okd-install/pkg/ovirt"
	"github.com/okd-install/okd-install/pkg/plan"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types"
)

// checkSpace compares the free space of a storage domain with what image, template
// and the machines' disks take once they are full, thin or not. What is there
// already counts with what it can still grow by.
func (c *checker) checkSpace(ctx context.Context, at report.Path, sd api.StorageDomain) error {
	if sd.Available <= 0 { // the engine does not say
		return nil
	}
	image, err := c.imageSpace(ctx)
	if err != nil {
		return err
	}
	more := map[string]int64{} // by role
	for _, o := range c.pl.Of(plan.KindVM) {
		spec, ok := o.Spec.(plan.VM)
		if !ok || spec.Template == "" {
			continue
		}
		growth, err := c.growth(ctx, o, spec)
		if err != nil {
			return err
		}
		more[spec.Role] += growth
	}
	masters, workers, bootstrap := more[types.MasterPool], more[types.WorkerPool], more[machines.Bootstrap]
	need := image + masters + workers + bootstrap
	if sd.Available < need {
		c.r.Field(at).Invalid(sd.ID,
			"storage domain %s has %s free, and the cluster can fill %s: image and template %s, control plane %s, "+
				"compute %s, bootstrap %s; free some, name a larger storage domain, lower osDisk.sizeGB in "+
				"controlPlane.platform.ovirt or compute[0].platform.ovirt, or go on at your own risk "+
				"with --skip preflight",
			sd.Name, gib(sd.Available), gib(need), gib(image), gib(masters), gib(workers), gib(bootstrap))
	}
	return nil
}

// imageSpace is what the uploaded disk and the template made of it take: the
// image's own size where it is known, else the smallest disk that is to hold it.
func (c *checker) imageSpace(ctx context.Context) (int64, error) {
	disks := c.pl.Of(plan.KindDisk)
	if len(disks) == 0 {
		return 0, nil
	}
	if made, err := c.made(ctx, c.pl, disks[0].Until); err != nil || made {
		return 0, err
	}
	spec, _ := disks[0].Spec.(plan.Disk)
	size := spec.Image.Virtual
	if size == 0 {
		size = c.smallestDisk()
	}
	return 2 * size, nil
}

func (c *checker) smallestDisk() int64 {
	var out int64
	for _, vm := range c.vms() {
		if size := vm.DiskGiB << 30; size > 0 && (out == 0 || size < out) {
			out = size
		}
	}
	return out
}

// growth is how much a machine can still fill: its whole disk if it is not
// there yet, what the disk does not take yet if it is.
func (c *checker) growth(ctx context.Context, o plan.Object, spec plan.VM) (int64, error) {
	size := spec.DiskGiB << 30
	vm, err := c.Engine.FindVM(ctx, o.Name)
	if err != nil || vm == nil || !marked(c.pl.InfraID, vm.Description) {
		return size, err
	}
	attached, err := c.Engine.Attachments(ctx, vm.ID)
	if err != nil {
		return size, err
	}
	for _, a := range attached {
		if !a.Bootable {
			continue
		}
		d, err := c.Engine.GetDisk(ctx, a.DiskID)
		if err != nil {
			return size, err
		}
		return max(max(size, d.Bytes)-d.ActualBytes, 0), nil
	}
	return size, nil
}

func gib(n int64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

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
