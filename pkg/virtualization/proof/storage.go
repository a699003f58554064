package proof

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"github.com/okd-install/okd-install/pkg/kube"
)

// The annotations of the StorageClass that VMs get, the first before the second.
const (
	virtDefault = "storageclass.kubevirt.io/is-default-virt-class"
	kubeDefault = "storageclass.kubernetes.io/is-default-class"
	cronLabel   = "cdi.kubevirt.io/dataImportCron" // of DataSources that a DataImportCron fills, and its disks
)

const giveClass = "annotate the StorageClass for VMs with " + virtDefault + "=true, or one for all with " +
	kubeDefault + "=true; without storage there is hostpath (section storage of virtualization.yaml)"

// storageProfiles wants CDI to know what the class that VMs get can do.
func (r *run) storageProfiles(ctx context.Context) (outcome, error) {
	var profiles cdiv1.StorageProfileList
	err := r.API.List(ctx, storageProfiles, "", &profiles)
	if kube.NotFound(err) {
		r.facts.noCDI = true
		return skipped("CDI is not deployed: VMs can have container disks only"), nil
	}
	if err != nil {
		return outcome{}, err
	}
	class, err := r.class(ctx)
	if err != nil {
		return outcome{}, err
	}
	if class == "" {
		r.facts.noClass = true
		return failed("no StorageClass is the default", "none has annotation "+virtDefault+" or "+kubeDefault, giveClass), nil
	}
	for _, p := range profiles.Items {
		if p.Name != class {
			continue
		}
		if len(p.Status.ClaimPropertySets) == 0 {
			provisioner := ""
			if p.Status.Provisioner != nil {
				provisioner = *p.Status.Provisioner
			}
			return failed("CDI does not know what StorageClass "+class+" can do",
				fmt.Sprintf("StorageProfile %s has no status.claimPropertySets; its provisioner is %q", class, provisioner),
				fmt.Sprintf("oc patch storageprofile %s --type merge -p '{\"spec\":{\"claimPropertySets\":[{\"accessModes\":"+
					"[\"ReadWriteOnce\"],\"volumeMode\":\"Filesystem\"}]}}' with the modes of that storage", class)), nil
		}
		return passed("StorageClass %s: %s", class, modes(p.Status.ClaimPropertySets)), nil
	}
	return failed("CDI has no StorageProfile for StorageClass "+class, fmt.Sprintf("there are %d others",
		len(profiles.Items)), "look at the log of cdi-deployment, which makes it"), nil
}

func modes(sets []cdiv1.ClaimPropertySet) string {
	var out []string
	shared := false
	for _, s := range sets {
		volume := ""
		if s.VolumeMode != nil {
			volume = " " + string(*s.VolumeMode)
		}
		for _, m := range s.AccessModes {
			out = append(out, string(m)+volume)
			shared = shared || m == corev1.ReadWriteMany
		}
	}
	text := and(out)
	if !shared {
		text += "; VMs with such disks cannot be migrated live, which needs ReadWriteMany"
	}
	return text
}

// class is the StorageClass that VMs get, empty if there is none.
func (r *run) class(ctx context.Context) (string, error) {
	if r.Options.StorageClass != "" {
		return r.Options.StorageClass, nil
	}
	var list storagev1.StorageClassList
	if err := r.API.List(ctx, storageClasses, "", &list); err != nil && !kube.NotFound(err) {
		return "", err
	}
	for _, annotation := range []string{virtDefault, kubeDefault} {
		for _, c := range list.Items {
			if c.Annotations[annotation] == "true" {
				return c.Name, nil
			}
		}
	}
	return "", nil
}

// dataSources looks at those that a DataImportCron fills. Others, such as those of systems whose images users bring, or
// of images that are not imported any more, may be empty.
func (r *run) dataSources(ctx context.Context) (outcome, error) {
	var list cdiv1.DataSourceList
	err := r.API.List(ctx, dataSources, "", &list)
	if err != nil && !kube.NotFound(err) {
		return outcome{}, err
	}
	var crons cdiv1.DataImportCronList
	if err := r.API.List(ctx, importCrons, "", &crons); err != nil && !kube.NotFound(err) {
		return outcome{}, err
	}
	var ready, busy, bad []string
	for _, s := range list.Items {
		cron := s.Labels[cronLabel]
		if !slices.ContainsFunc(crons.Items, func(c cdiv1.DataImportCron) bool {
			return c.Namespace == s.Namespace && c.Name == cron
		}) {
			continue
		}
		c := conditionOf(conditions(s.Status.Conditions), string(cdiv1.DataSourceReady))
		if c.Status == "True" {
			ready = append(ready, s.Name)
			continue
		}
		text := "DataSource " + s.Namespace + "/" + s.Name + ": " + c.String()
		progress := cronState(crons.Items, s.Namespace, cron)
		stuck, err := r.stuckImport(ctx, s.Namespace, cron)
		switch {
		case err != nil:
			return outcome{}, err
		case stuck != "":
			bad = append(bad, text+"; "+stuck)
		case progress.Status == "True":
			busy = append(busy, s.Name)
		default:
			bad = append(bad, text+"; DataImportCron "+cron+": "+progress.String())
		}
	}
	switch {
	case len(bad) > 0:
		return failed("golden images are not ready", strings.Join(bad, "; "),
			"oc get dataimportcron,datavolume,pod -A | grep import"), nil
	case len(ready)+len(busy) == 0:
		return skipped("no golden images are imported into this cluster"), nil
	case len(ready) == 0:
		return skipped("golden images are still being imported: %s", and(busy)), nil
	case len(busy) > 0:
		return passed("ready: %s; still being imported: %s", and(ready), and(busy)), nil
	}
	return passed("ready: %s", and(ready)), nil
}

// stuckImport is what keeps the disk of a DataImportCron from being filled, empty if nothing is known to.
func (r *run) stuckImport(ctx context.Context, namespace, cron string) (string, error) {
	var list cdiv1.DataVolumeList
	err := r.API.Query(ctx, volumes, namespace, url.Values{"labelSelector": {cronLabel + "=" + cron}}, &list)
	if err != nil && !kube.NotFound(err) {
		return "", err
	}
	for _, dv := range list.Items {
		if got := lookDataVolume(dv); got.trouble != nil {
			return got.missing, nil
		}
	}
	return "", nil
}

// cronState is whether a DataImportCron imports right now.
func cronState(list []cdiv1.DataImportCron, namespace, name string) condition {
	for _, c := range list {
		if c.Namespace == namespace && c.Name == name {
			return conditionOf(conditions(c.Status.Conditions), string(cdiv1.DataImportCronProgressing))
		}
	}
	return condition{Type: string(cdiv1.DataImportCronProgressing), Status: "Unknown", Message: "it does not exist"}
}
