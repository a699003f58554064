package virtualization

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/kube"
)

// Annotations of default classes.
const (
	defaultForVMs     = "storageclass.kubevirt.io/is-default-virt-class"
	defaultForCluster = "storageclass.kubernetes.io/is-default-class"
)

func isDefault(class object) bool {
	return class.text("metadata", "annotations", defaultForVMs) == "true" ||
		class.text("metadata", "annotations", defaultForCluster) == "true"
}

// defaultClass wants a class that disks of VMs get without asking for one, if images are to be imported.
func (w *world) defaultClass(ctx context.Context) (string, error) {
	imports := false
	for _, o := range w.of(groupHCO, "HyperConverged") {
		imports = imports || commonImages(o) || len(o.list("spec", "dataImportCronTemplates")) > 0
	}
	if !imports {
		return "", nil
	}
	for _, o := range w.of("storage.k8s.io", "StorageClass") {
		if isDefault(o) {
			return "", nil
		}
	}
	for _, o := range w.of("lvm.topolvm.io", "LVMCluster") {
		for _, class := range o.list("spec", "storage", "deviceClasses") {
			if is, _ := class.get("default").(bool); is {
				return "", nil
			}
		}
	}
	list, err := w.all(ctx, versionStorage, "StorageClass", "", "")
	if err != nil {
		return "", err
	}
	var names []string
	for _, c := range list {
		if isDefault(c) {
			return "", nil
		}
		names = append(names, c.name())
	}
	has := "it has none at all"
	if len(names) > 0 {
		has = "it has " + strings.Join(names, ", ")
	}
	return "", stuckFor(decided, "set storage in virtualization.yaml to hostpath, lvm or an existing class, or set "+
		"goldenImages.enabled to false", "the cluster has no default StorageClass (%s), so that no image of an operating "+
		"system can be imported", has)
}

// profileMade wants the profile that CDI makes of a class: one that we made would not be it.
func profileMade(ctx context.Context, w *world, o object) (string, error) {
	live, err := w.live(ctx, o)
	if err == nil && live == nil {
		return "CDI has not made " + o.String() + " yet", nil
	}
	return "", err
}

// profileKnown wants CDI to know how to use a class.
func profileKnown(_ context.Context, _ *world, o object) (string, error) {
	if len(o.list("status", "claimPropertySets")) == 0 {
		return "CDI does not know the modes of its volumes (no claimPropertySets)", nil
	}
	return "", nil
}

// unknownClasses are the classes for VMs whose driver CDI does not know: disks there must state their modes.
func (w *world) unknownClasses(ctx context.Context) ([]string, error) {
	list, err := w.all(ctx, versionStorage, "StorageClass", "", "")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, c := range list {
		if c.text("metadata", "annotations", defaultForVMs) != "true" {
			continue
		}
		p, err := w.read(ctx, versionCDI, "StorageProfile", "", c.name())
		if err != nil {
			return nil, err
		}
		if p != nil && len(p.list("status", "claimPropertySets")) == 0 {
			out = append(out, c.name())
		}
	}
	return out, nil
}

// profiles wants CDI to have made a profile of each default class.
func (w *world) profiles(ctx context.Context) (string, error) {
	served, err := w.served(ctx, versionCDI, "StorageProfile")
	if err != nil || !served {
		return "", err
	}
	list, err := w.all(ctx, versionStorage, "StorageClass", "", "")
	if err != nil {
		return "", err
	}
	for _, c := range list {
		if !isDefault(c) {
			continue
		}
		p, err := w.read(ctx, versionCDI, "StorageProfile", "", c.name())
		if err != nil {
			return "", err
		}
		if p == nil {
			return "CDI has not made StorageProfile " + c.name() + " yet", nil
		}
	}
	return "", nil
}

// lvmReady wants volume groups on all nodes.
func lvmReady(_ context.Context, _ *world, o object) (string, error) {
	state := o.text("status", "state")
	if state == "Ready" {
		return "", nil
	}
	text := "its state is " + cmp.Or(state, "not reported yet")
	for _, kind := range []string{"ResourcesAvailable", "VolumeGroupsReady"} {
		if c := o.condition(kind); c.Status != "" && !c.is("True") {
			text += "; " + c.String()
		}
	}
	for _, class := range o.list("status", "deviceClassStatuses") {
		for _, n := range class.list("nodeStatus") {
			if s := n.text("status"); s != "Ready" {
				text += fmt.Sprintf("; device class %s on %s is %s: %s", class.text("name"), n.text("node"), s,
					kube.OneLine(n.text("reason")))
			}
		}
	}
	if state == "Failed" || state == "Degraded" {
		return "", stuckFor(retried, "look at the disks that storage.lvm of virtualization.yaml names: they must be empty, "+
			"unless wipeDevices is set", "%s", text)
	}
	return text, nil
}
