package virtualization

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/okd-install/okd-install/pkg/kube"
)

const fixImport = "see that the cluster reaches the image, or set goldenImages in virtualization.yaml; then run the " +
	"same command again"

// noDigest is the reason of an image whose registry has not been asked successfully yet. CDI asks again and again, by a
// pod that has to start first.
const noDigest = "NoDigest"

// importCurrent wants the newest image of a source to be imported.
func importCurrent(ctx context.Context, w *world, o object) (string, error) {
	c := o.condition("UpToDate")
	if c.is("True") {
		return "", nil
	}
	text := c.String()
	if c.Reason == noDigest {
		url := o.text("spec", "template", "spec", "source", "registry", "url")
		return "", stuckFor(patience, fixImport, "the registry gives no digest of %s: %s", cmp.Or(url, "the image"), text)
	}
	for _, current := range o.list("status", "currentImports") {
		name := current.text("DataVolumeName")
		if name == "" {
			name = current.text("dataVolumeName")
		}
		if name == "" {
			continue
		}
		dv, err := w.read(ctx, versionCDI, "DataVolume", o.namespace(), name)
		if err != nil {
			return "", err
		}
		if dv == nil {
			continue
		}
		why, err := importing(ctx, w, dv)
		if err != nil {
			return "", err
		}
		if why != "" {
			text += "; " + why
		}
	}
	return text, nil
}

// importing says how far a DataVolume is, and what holds it up.
func importing(ctx context.Context, w *world, dv object) (string, error) {
	phase := dv.text("status", "phase")
	if phase == "Succeeded" {
		return "", nil
	}
	text := dv.String() + " is " + cmp.Or(phase, "new")
	running, bound := dv.condition("Running"), dv.condition("Bound")
	if bound.is("False") && bound.Message != "" {
		text += "; " + bound.String()
	}
	if phase == "Failed" || running.Reason == "Error" || running.Reason == "ImagePullFailed" ||
		running.Reason == "ImagePullBackOff" || running.Reason == "ErrImagePull" {
		return "", stuckFor(retried, fixImport, "%s fails: %s", dv, importError(running, dv))
	}
	why, err := w.pods(ctx, dv.namespace(), "cdi.kubevirt.io/storage.import.importPvcName="+dv.name(), fixImport)
	if err != nil {
		return "", within(dv.String(), err)
	}
	if strings.Contains(why, "crashes") && dv.number("status", "restartCount") > 0 {
		return "", stuckFor(retried, fixImport, "%s fails: %s", dv, why)
	}
	if why != "" {
		text += "; " + why
	}
	return text, nil
}

func importError(running condition, dv object) string {
	text := cmp.Or(running.Message, running.Reason, dv.text("status", "phase"))
	return kube.OneLine(text) + kube.Since(running.since)
}

// images wants the golden images to be imported.
func (w *world) images(ctx context.Context) (string, error) {
	wanted, namespace, err := w.wantsImages(ctx)
	if err != nil || !wanted {
		return "", err
	}
	list, err := w.all(ctx, versionCDI, "DataImportCron", namespace, "")
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return "no image is being imported to namespace " + namespace + " yet", nil
	}
	var waits []string
	for _, o := range list {
		text, err := importCurrent(ctx, w, o)
		if err != nil {
			return "", within(o.String(), err)
		}
		if text != "" {
			waits = append(waits, o.String()+": "+text)
		}
	}
	return some(waits), nil
}

// wantsImages reports whether the cluster imports images by itself, and to where.
func (w *world) wantsImages(ctx context.Context) (bool, string, error) {
	for _, o := range w.of(groupHCO, "HyperConverged") {
		live, err := w.live(ctx, o)
		if err != nil {
			return false, "", err
		}
		templates := live.list("status", "dataImportCronTemplates")
		if live == nil || !commonImages(live) && len(live.list("spec", "dataImportCronTemplates")) == 0 {
			continue
		}
		served, err := w.served(ctx, "ssp.kubevirt.io/v1beta2", "SSP")
		if err != nil || !served { // without it nothing makes imports of templates
			return false, "", err
		}
		if len(templates) == 0 && live.get("status", "dataImportCronTemplates") != nil {
			continue
		}
		return true, cmp.Or(live.text("spec", "commonBootImageNamespace"), "kubevirt-os-images"), nil
	}
	return false, "", nil
}

// commonImages reports whether a HyperConverged imports the common images. Up to version 1.14 that was a feature gate.
func commonImages(o object) bool {
	for _, at := range [][]string{{"spec"}, {"spec", "featureGates"}} {
		if on, set := o.get(append(at, "enableCommonBootImageImport")...).(bool); set {
			return on
		}
	}
	return true
}

// shown is how many things are named while waiting.
const shown = 3

// some joins the first of a list.
func some(list []string) string {
	if n := len(list) - shown; n > 0 {
		return strings.Join(list[:shown], "; ") + fmt.Sprintf("; and %d more", n)
	}
	return strings.Join(list, "; ")
}
