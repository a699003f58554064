package cdi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/control"
)

const (
	keepImports = 3
	nameDigits  = 12 // of the digest in the name of an import
)

// cronsRound looks at all crons; again is when the first of them asks its registry the next time.
func (c *Controller) cronsRound(ctx context.Context, w *world) (again time.Duration, err error) {
	all, err := control.All[cdiv1.DataImportCron](ctx, c.Client, crons, "")
	if err != nil {
		return 0, err
	}
	var failures []error
	for i := range all {
		if all[i].DeletionTimestamp != nil {
			continue
		}
		pause, err := c.cronRound(ctx, w, &all[i])
		if err != nil {
			failures = append(failures, fmt.Errorf("DataImportCron %s/%s: %w", all[i].Namespace, all[i].Name, err))
		}
		if pause > 0 && (again == 0 || pause < again) {
			again = pause
		}
	}
	if err := firstConflict(failures); err != nil {
		return 0, err
	}
	return again, errors.Join(failures...)
}

// cronRound looks at one.
func (c *Controller) cronRound(ctx context.Context, w *world, cron *cdiv1.DataImportCron) (time.Duration, error) {
	if other := managedBy(w, cron); other != "" {
		return 0, c.say(ctx, cron, cronGVK, "Warning", "ErrDataSourceAlreadyManaged",
			fmt.Sprintf("DataSource %s is already managed by DataImportCron %s", cron.Spec.ManagedDataSource, other))
	}
	before := cron.DeepCopy()
	if cron.Annotations == nil {
		cron.Annotations = map[string]string{}
	}
	if moved, err := c.followClass(ctx, w, cron); moved || err != nil {
		return time.Second, err
	}
	format := cdiv1.DataImportCronSourceFormatPvc
	cron.Status.SourceFormat = &format
	var dv *cdiv1.DataVolume
	var claim *corev1.PersistentVolumeClaim
	if imports := cron.Status.CurrentImports; len(imports) > 0 {
		dv = w.volume(cron.Namespace, imports[0].DataVolumeName)
		claim = w.claim(cron.Namespace, imports[0].DataVolumeName)
	}
	succeeded := c.progress(cron, dv, claim)
	if succeeded {
		c.succeed(cron)
		if err := c.collect(ctx, w, cron); err != nil {
			return 0, err
		}
	}
	if err := c.point(ctx, w, cron); err != nil {
		return 0, err
	}
	pause, err := c.poll(ctx, cron)
	if err != nil {
		return 0, err
	}
	if err := c.importNew(ctx, w, cron, dv, succeeded); err != nil {
		return 0, err
	}
	return pause, c.writeCron(ctx, before, cron)
}

// managedBy is another cron that has the source.
func managedBy(w *world, cron *cdiv1.DataImportCron) string {
	for _, s := range w.sources {
		if s.Namespace == cron.Namespace && s.Name == cron.Spec.ManagedDataSource {
			if by := s.Labels[labelCron]; by != "" && by != cron.Name {
				return by
			}
		}
	}
	return ""
}

// followClass notes the class of the imports. When it becomes another one, all starts anew.
func (c *Controller) followClass(ctx context.Context, w *world, cron *cdiv1.DataImportCron) (bool, error) {
	var explicit *string
	if s := cron.Spec.Template.Spec.Storage; s != nil {
		explicit = s.StorageClassName
	} else if p := cron.Spec.Template.Spec.PVC; p != nil {
		explicit = p.StorageClassName
	}
	class := w.class(explicit)
	if class == nil {
		return false, nil
	}
	have := cron.Annotations[annotationClass]
	if have == "" || have == class.Name {
		cron.Annotations[annotationClass] = class.Name
		return false, nil
	}
	if digest := cron.Annotations[annotationDigest]; digest != "" {
		for _, kind := range []kube.Kind{dataVolumes, control.Claims} {
			gone, err := control.Gone(ctx, c.Client, kind, cron.Namespace, importName(cron, digest))
			if err != nil || !gone {
				return true, err
			}
		}
	}
	patch := map[string]any{"metadata": map[string]any{"annotations": map[string]any{annotationClass: class.Name}},
		"status": map[string]any{"currentImports": nil}}
	return true, c.Client.Patch(ctx, crons.Ref(cron.Namespace, cron.Name), "", patch)
}

// progress says how the current import does and reports whether it has succeeded.
func (c *Controller) progress(
	cron *cdiv1.DataImportCron, dv *cdiv1.DataVolume, claim *corev1.PersistentVolumeClaim,
) bool {
	say := func(is bool, reason, message string) {
		c.cronCondition(cron, cdiv1.DataImportCronProgressing, is, reason, message)
	}
	switch {
	case dv != nil && dv.Status.Phase == cdiv1.Succeeded,
		dv == nil && claim != nil && claim.Status.Phase == corev1.ClaimBound:
		say(false, "NoImport", "No current import")
		return true
	case dv == nil:
		if len(cron.Status.CurrentImports) > 0 {
			cron.Status.CurrentImports = cron.Status.CurrentImports[1:]
		}
		say(false, "NoImport", "No current import")
	case dv.Status.Phase == cdiv1.ImportScheduled:
		say(false, "ImportScheduled", "Import is scheduled")
	case dv.Status.Phase == cdiv1.ImportInProgress:
		say(true, "ImportProgressing", "Import is progressing")
	default:
		say(false, string(dv.Status.Phase), fmt.Sprintf("Import DataVolume phase %s", dv.Status.Phase))
	}
	return false
}

func (c *Controller) succeed(cron *cdiv1.DataImportCron) {
	if len(cron.Status.CurrentImports) == 0 {
		return
	}
	made := &cdiv1.DataVolumeSourcePVC{Namespace: cron.Namespace, Name: cron.Status.CurrentImports[0].DataVolumeName}
	if last := cron.Status.LastImportedPVC; last == nil || *last != *made {
		now := metav1.NewTime(c.Clock.Now().UTC().Truncate(time.Second))
		cron.Status.LastImportedPVC, cron.Status.LastImportTimestamp = made, &now
	}
}

// point has the source point to the last import.
func (c *Controller) point(ctx context.Context, w *world, cron *cdiv1.DataImportCron) error {
	i := slices.IndexFunc(w.sources, func(s cdiv1.DataSource) bool {
		return s.Namespace == cron.Namespace && s.Name == cron.Spec.ManagedDataSource
	})
	want := cdiv1.DataSourceSource{}
	if cron.Status.LastImportedPVC != nil {
		want.PVC = cron.Status.LastImportedPVC
	}
	if i < 0 {
		s := &cdiv1.DataSource{
			TypeMeta: metav1.TypeMeta{APIVersion: group + "/v1beta1", Kind: "DataSource"},
			ObjectMeta: metav1.ObjectMeta{Namespace: cron.Namespace, Name: cron.Spec.ManagedDataSource,
				Labels: map[string]string{labelCron: cron.Name}},
			Spec: cdiv1.DataSourceSpec{Source: want},
		}
		return c.Client.Make(ctx, dataSources, cron.Namespace, s)
	}
	s := &w.sources[i]
	if s.Labels[labelCron] != cron.Name && s.Labels[labelCron] != "" {
		return nil
	}
	if s.Labels[labelCron] == cron.Name && (want.PVC == nil || control.Same(s.Spec.Source, want)) {
		return nil
	}
	patch := map[string]any{"metadata": map[string]any{"labels": map[string]any{labelCron: cron.Name}}}
	if want.PVC != nil {
		patch["spec"] = map[string]any{"source": map[string]any{"pvc": want.PVC, "snapshot": nil, "dataSource": nil}}
		s.Spec.Source = want
	}
	if err := c.Client.Patch(ctx, dataSources.Ref(s.Namespace, s.Name), "", patch); err != nil {
		return fmt.Errorf("point DataSource %s to its image: %w", s.Name, err)
	}
	return nil
}

// poll asks the registry for the digest of the image when it is time: at first, and by the schedule.
func (c *Controller) poll(ctx context.Context, cron *cdiv1.DataImportCron) (time.Duration, error) {
	src := cron.Spec.Template.Spec.Source
	if src == nil || src.Registry == nil || src.Registry.URL == nil || cron.Spec.Schedule == "" {
		return 0, nil
	}
	now := c.Clock.Now()
	if next, err := time.Parse(time.RFC3339, cron.Annotations[annotationNext]); err == nil && next.After(now) {
		return next.Sub(now), nil
	}
	trust, err := c.clusterTrust(ctx)
	if err != nil {
		return 0, err
	}
	digest, err := c.Digest(ctx, *src.Registry.URL, []byte(trust))
	if err != nil {
		// As the real one's cron job, it tries again: soon at first, as the registry may just be starting.
		c.Log.Error("cannot ask for the digest of an image", "cron", cron.Name, "error", err)
		return retryDigest, nil
	}
	next, err := nextTime(cron.Spec.Schedule, now)
	if err != nil {
		return 0, err
	}
	cron.Annotations[annotationDigest] = digest
	cron.Annotations[annotationLast] = now.UTC().Format(time.RFC3339)
	cron.Annotations[annotationNext] = next.UTC().Format(time.RFC3339)
	last := metav1.NewTime(now.UTC().Truncate(time.Second))
	cron.Status.LastExecutionTimestamp = &last
	return next.Sub(now), nil
}

const retryDigest = 10 * time.Second

// importNew starts an import when the image is another one than the last.
func (c *Controller) importNew(
	ctx context.Context, w *world, cron *cdiv1.DataImportCron, dv *cdiv1.DataVolume, succeeded bool,
) error {
	digest := cron.Annotations[annotationDigest]
	imports := cron.Status.CurrentImports
	say := func(is bool, reason, message string) {
		c.cronCondition(cron, cdiv1.DataImportCronUpToDate, is, reason, message)
	}
	switch {
	case digest != "" && (len(imports) == 0 || imports[0].Digest != digest):
		say(false, "Outdated", "Source digest updated since last import")
		if dv != nil && failedImport(dv) {
			if _, err := control.Gone(ctx, c.Client, dataVolumes, dv.Namespace, dv.Name); err != nil {
				return err
			}
			imports = nil
		}
		if !succeeded && len(imports) > 0 {
			return nil
		}
		name := importName(cron, digest)
		if w.claim(cron.Namespace, name) == nil {
			if err := c.Client.Make(ctx, dataVolumes, cron.Namespace, c.importVolume(cron, name, digest)); err != nil {
				return err
			}
		}
		cron.Status.CurrentImports = []cdiv1.ImportStatus{{DataVolumeName: name, Digest: digest}}
	case succeeded:
		say(true, "UpToDate", "Latest import is up to date")
	case len(imports) > 0:
		say(false, "ImportProgressing", "Import is progressing")
	default:
		say(false, "NoDigest", "No source digest")
	}
	return nil
}

func failedImport(dv *cdiv1.DataVolume) bool {
	r := condition(dv.Status.Conditions, cdiv1.DataVolumeRunning)
	return r.Status == corev1.ConditionFalse && (r.Reason == "Error" || r.Reason == "ImagePullFailed")
}

func importName(cron *cdiv1.DataImportCron, digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	if len(hex) > nameDigits {
		hex = hex[:nameDigits]
	}
	return cron.Spec.ManagedDataSource + "-" + hex
}

// importVolume is the DataVolume of an import, of the very image whose digest is known.
func (c *Controller) importVolume(cron *cdiv1.DataImportCron, name, digest string) *cdiv1.DataVolume {
	dv := cron.Spec.Template.DeepCopy()
	dv.TypeMeta = metav1.TypeMeta{APIVersion: group + "/v1beta1", Kind: "DataVolume"}
	labels := map[string]string{labelCron: cron.Name}
	for k, v := range dv.Labels {
		labels[k] = v
	}
	annotations := map[string]string{annotationLastUse: c.Clock.Now().UTC().Format(time.RFC3339Nano)}
	for k, v := range dv.Annotations {
		annotations[k] = v
	}
	if v, ok := cron.Annotations[annotationImmediate]; ok {
		annotations[annotationImmediate] = v
	}
	dv.ObjectMeta = metav1.ObjectMeta{Namespace: cron.Namespace, Name: name, Labels: labels, Annotations: annotations}
	class := cron.Annotations[annotationClass]
	if s := dv.Spec.Storage; class != "" && s != nil && s.StorageClassName == nil {
		s.StorageClassName = &class
	}
	url := *dv.Spec.Source.Registry.URL
	if at := strings.LastIndex(url, "@"); at >= 0 {
		url = url[:at]
	} else if colon := strings.LastIndex(url, ":"); colon > strings.LastIndex(url, "/") {
		url = url[:colon]
	}
	url += "@" + digest
	dv.Spec.Source.Registry.URL = &url
	return dv
}

// collect removes imports that are older than the last ones.
func (c *Controller) collect(ctx context.Context, w *world, cron *cdiv1.DataImportCron) error {
	if g := cron.Spec.GarbageCollect; g != nil && *g != cdiv1.DataImportCronGarbageCollectOutdated {
		return nil
	}
	keep := keepImports
	if n := cron.Spec.ImportsToKeep; n != nil && *n >= 0 {
		keep = int(*n)
	}
	var old []cdiv1.DataVolume
	for _, v := range w.volumes {
		if v.Namespace == cron.Namespace && v.Labels[labelCron] == cron.Name {
			old = append(old, v)
		}
	}
	slices.SortFunc(old, func(a, b cdiv1.DataVolume) int {
		return strings.Compare(b.Annotations[annotationLastUse], a.Annotations[annotationLastUse])
	})
	for _, v := range old[min(keep, len(old)):] {
		if _, err := control.Gone(ctx, c.Client, dataVolumes, v.Namespace, v.Name); err != nil {
			return err
		}
	}
	return nil
}

func (c *Controller) cronCondition(
	cron *cdiv1.DataImportCron, kind cdiv1.DataImportCronConditionType, is bool, reason, message string,
) {
	i := slices.IndexFunc(cron.Status.Conditions, func(x cdiv1.DataImportCronCondition) bool { return x.Type == kind })
	if i < 0 {
		cron.Status.Conditions = append(cron.Status.Conditions, cdiv1.DataImportCronCondition{Type: kind})
		i = len(cron.Status.Conditions) - 1
	}
	state(&cron.Status.Conditions[i].ConditionState, is, reason, message, c.Clock.Now())
}

// state changes a condition if it says something else. Only a change of status moves its time.
func state(s *cdiv1.ConditionState, is bool, reason, message string, now time.Time) {
	status := corev1.ConditionFalse
	if is {
		status = corev1.ConditionTrue
	}
	if s.Status == status && s.Reason == reason && s.Message == message {
		return
	}
	stamp := metav1.NewTime(now.UTC().Truncate(time.Second))
	if s.Status != status {
		s.LastTransitionTime = stamp
	}
	s.Status, s.Reason, s.Message, s.LastHeartbeatTime = status, reason, message, stamp
}

func (c *Controller) writeCron(ctx context.Context, before, cron *cdiv1.DataImportCron) error {
	if control.Same(before, cron) {
		return nil
	}
	cron.TypeMeta = metav1.TypeMeta{APIVersion: group + "/v1beta1", Kind: "DataImportCron"}
	if err := c.Client.Update(ctx, crons.Ref(cron.Namespace, cron.Name), "", cron); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// sourcesRound says of each source whether something can be made from it.
func (c *Controller) sourcesRound(ctx context.Context, w *world) error {
	for i := range w.sources {
		s := &w.sources[i]
		before := s.DeepCopy()
		j := slices.IndexFunc(s.Status.Conditions, func(x cdiv1.DataSourceCondition) bool {
			return x.Type == cdiv1.DataSourceReady
		})
		if j < 0 {
			s.Status.Conditions = append(s.Status.Conditions, cdiv1.DataSourceCondition{Type: cdiv1.DataSourceReady})
			j = len(s.Status.Conditions) - 1
		}
		is, reason, message := w.ready(s)
		state(&s.Status.Conditions[j].ConditionState, is, reason, message, c.Clock.Now())
		s.Status.Source = cdiv1.DataSourceSource{}
		if is {
			s.Status.Source = s.Spec.Source
		}
		if control.Same(before.Status, s.Status) {
			continue
		}
		s.TypeMeta = metav1.TypeMeta{APIVersion: group + "/v1beta1", Kind: "DataSource"}
		if err := c.Client.Update(ctx, dataSources.Ref(s.Namespace, s.Name), "", s); err != nil {
			return fmt.Errorf("write DataSource %s/%s: %w", s.Namespace, s.Name, err)
		}
	}
	return nil
}

// ready reports whether a source has something, and why not.
func (w *world) ready(s *cdiv1.DataSource) (is bool, reason, message string) {
	from := s.Spec.Source
	for depth := 0; from.DataSource != nil; depth++ {
		i := slices.IndexFunc(w.sources, func(o cdiv1.DataSource) bool {
			return o.Namespace == s.Namespace && o.Name == from.DataSource.Name
		})
		switch {
		case i < 0:
			return false, "NotFound", fmt.Sprintf("datasources.cdi.kubevirt.io %q not found", from.DataSource.Name)
		case w.sources[i].Name == s.Name:
			return false, "SelfReference", "DataSource cannot self-reference"
		case depth > 0:
			return false, "MaxReferenceDepthReached", "DataSource reference chain reached maximum depth of 1"
		}
		from = w.sources[i].Spec.Source
	}
	switch {
	case from.Snapshot != nil:
		return false, "NotFound", "Snapshot not found" // the lab has no snapshots
	case from.PVC == nil:
		return false, "NoSource", "No source PVC set"
	}
	namespace := from.PVC.Namespace
	if namespace == "" {
		namespace = s.Namespace
	}
	if dv := w.volume(namespace, from.PVC.Name); dv != nil {
		if dv.Status.Phase != cdiv1.Succeeded {
			return false, string(dv.Status.Phase), fmt.Sprintf("Import DataVolume phase %s", dv.Status.Phase)
		}
	} else if w.claim(namespace, from.PVC.Name) == nil {
		return false, "NotFound", "PVC not found"
	}
	return true, "Ready", "DataSource is ready to be consumed"
}
