package cdi

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

// set is what a driver can do: an access mode with a volume mode.
type set struct {
	access corev1.PersistentVolumeAccessMode
	mode   corev1.PersistentVolumeMode
}

var (
	rwoFile  = set{corev1.ReadWriteOnce, corev1.PersistentVolumeFilesystem}
	rwoBlock = set{corev1.ReadWriteOnce, corev1.PersistentVolumeBlock}
	rwxFile  = set{corev1.ReadWriteMany, corev1.PersistentVolumeFilesystem}
	rwxBlock = set{corev1.ReadWriteMany, corev1.PersistentVolumeBlock}
	roxFile  = set{corev1.ReadOnlyMany, corev1.PersistentVolumeFilesystem}
	roxBlock = set{corev1.ReadOnlyMany, corev1.PersistentVolumeBlock}
)

// known are the drivers that CDI knows of those that an installation meets, the best set first.
var known = []struct {
	driver   *regexp.Regexp
	sets     []set
	snapshot bool // images are kept as snapshots
	strategy cdiv1.CDICloneStrategy
}{
	{driver: exactly("kubevirt.io.hostpath-provisioner", "kubevirt.io/hostpath-provisioner"), sets: []set{rwoFile}},
	{driver: exactly("csi.ovirt.org"), sets: []set{rwoBlock, rwoFile}},
	{driver: exactly("topolvm.io", "topolvm.cybozu.com"), sets: []set{rwoBlock, rwoFile},
		strategy: cdiv1.CloneStrategyHostAssisted},
	{driver: exactly("rook-ceph.rbd.csi.ceph.com", "openshift-storage.rbd.csi.ceph.com"), snapshot: true,
		sets: []set{rwxBlock, rwoBlock, rwoFile, roxBlock}, strategy: cdiv1.CloneStrategyCsiClone},
	{driver: exactly("rbd.csi.ceph.com"), sets: []set{rwxBlock, rwoBlock, rwoFile, roxBlock},
		strategy: cdiv1.CloneStrategyCsiClone},
	{driver: regexp.MustCompile(`^(.+\.)?cephfs\.csi\.ceph\.com$`), sets: []set{rwxFile, rwoFile, roxFile},
		strategy: cdiv1.CloneStrategyCsiClone},
	{driver: exactly("nfs.csi.k8s.io", "k8s-sigs.io/nfs-subdir-external-provisioner"), sets: []set{rwxFile}},
	{driver: exactly("cinder.csi.openstack.org"), sets: []set{rwoBlock, rwoFile}},
	{driver: exactly("csi.vsphere.vmware.com"), sets: []set{rwoBlock, rwoFile}},
	{driver: exactly("ebs.csi.aws.com", "disk.csi.azure.com", "pd.csi.storage.gke.io"), sets: []set{rwoBlock}},
	{driver: exactly("driver.longhorn.io"), sets: []set{rwoBlock}},
}

func exactly(names ...string) *regexp.Regexp {
	pattern := ""
	for _, n := range names {
		pattern += "|" + regexp.QuoteMeta(n)
	}
	return regexp.MustCompile("^(" + pattern[1:] + ")$")
}

// profile is the status of a class's profile. A driver that is not known has no sets: whoever uses it must say modes.
func profile(class storagev1.StorageClass, own cdiv1.StorageProfileSpec) (cdiv1.StorageProfileStatus, error) {
	strategy, format := cdiv1.CloneStrategyHostAssisted, cdiv1.DataImportCronSourceFormatPvc
	out := cdiv1.StorageProfileStatus{
		StorageClass: &class.Name, Provisioner: &class.Provisioner, CloneStrategy: &strategy,
		DataImportCronSourceFormat: &format,
	}
	for _, k := range known {
		if !k.driver.MatchString(class.Provisioner) {
			continue
		}
		for _, s := range k.sets {
			mode := s.mode
			out.ClaimPropertySets = append(out.ClaimPropertySets, cdiv1.ClaimPropertySet{
				AccessModes: []corev1.PersistentVolumeAccessMode{s.access}, VolumeMode: &mode,
			})
		}
		// Snapshots need a snapshot class, of which the lab has none.
		if k.strategy != "" && k.strategy != cdiv1.CloneStrategySnapshot {
			strategy = k.strategy
		}
		break
	}
	if own.CloneStrategy != nil {
		out.CloneStrategy = own.CloneStrategy
	}
	if own.DataImportCronSourceFormat != nil {
		out.DataImportCronSourceFormat = own.DataImportCronSourceFormat
	}
	if len(own.ClaimPropertySets) > 0 {
		for _, s := range own.ClaimPropertySets {
			if s.VolumeMode == nil || len(s.AccessModes) == 0 {
				return out, fmt.Errorf("each ClaimPropertySet must provide both volume mode and access modes")
			}
		}
		out.ClaimPropertySets = own.ClaimPropertySets
	}
	return out, nil
}

// profilesRound keeps a profile per class.
func (c *Controller) profilesRound(ctx context.Context, w *world) error {
	have, err := control.All[cdiv1.StorageProfile](ctx, c.Client, profiles, "")
	if err != nil {
		return err
	}
	left := map[string]cdiv1.StorageProfile{}
	for _, p := range have {
		left[p.Name] = p
	}
	w.profiles = map[string]cdiv1.StorageProfile{}
	for _, class := range w.classes {
		p, exists := left[class.Name]
		delete(left, class.Name)
		if !exists {
			p = cdiv1.StorageProfile{
				TypeMeta:   metav1.TypeMeta{APIVersion: group + "/v1beta1", Kind: "StorageProfile"},
				ObjectMeta: metav1.ObjectMeta{Name: class.Name, Labels: managed()},
			}
			if err := c.Client.Create(ctx, profiles, "", &p); err != nil {
				return fmt.Errorf("create StorageProfile %s: %w", class.Name, err)
			}
		}
		status, err := profile(class, p.Spec)
		if err != nil {
			c.Log.Error("cannot update a StorageProfile", "name", class.Name, "error", err)
			w.profiles[class.Name] = p
			continue
		}
		if !control.Same(status, p.Status) {
			p.Status = status
			// Fields that are gone have to go: a merge would leave them.
			p.TypeMeta = metav1.TypeMeta{APIVersion: group + "/v1beta1", Kind: "StorageProfile"}
			if err := c.Client.Update(ctx, profiles.Ref("", class.Name), "status", &p); err != nil {
				return fmt.Errorf("write status of StorageProfile %s: %w", class.Name, err)
			}
		}
		w.profiles[class.Name] = p
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		if _, err := control.Gone(ctx, c.Client, profiles, "", name); err != nil {
			return err
		}
	}
	return nil
}

func managed() map[string]string {
	return map[string]string{
		"app": "containerized-data-importer", "cdi.kubevirt.io": "", "app.kubernetes.io/component": "storage",
		"app.kubernetes.io/managed-by": "cdi-controller", "app.kubernetes.io/part-of": "hyperconverged-cluster",
	}
}
