package virtualization

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/kube"
)

// recordPrefix begins the names of ConfigMaps that say, while a Subscription is being removed, what it has brought: its
// InstallPlans go with it, and a run that is killed in between must still know.
const recordPrefix = "okd-install-removal-"

func isRecord(o object) bool {
	return o.kind() == "ConfigMap" && strings.HasPrefix(o.name(), recordPrefix)
}

// brought is an object that an InstallPlan says it has created.
type brought struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
}

// record writes down what a Subscription has brought, before it is removed. What an earlier run has written down stays.
func (d *Deployer) record(ctx context.Context, w *world, sub object) (string, error) {
	list, err := w.broughtBy(ctx, sub)
	if err != nil {
		return "", err
	}
	o := object{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": recordPrefix + sub.name(), "namespace": sub.namespace(),
			"labels": map[string]any{Label: Manager}},
	}
	live, err := w.live(ctx, o)
	if err != nil {
		return "", err
	}
	if live != nil {
		earlier, err := recorded(live)
		if err != nil {
			return "", err
		}
		for _, b := range earlier {
			if !slices.Contains(list, b) {
				list = append(list, b)
			}
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return "", err
	}
	o["data"] = map[string]any{"brought": string(text)}
	_, err = d.apply(ctx, w, o)
	return answer(o, err)
}

// recorded is what a record says.
func recorded(m object) (list []brought, err error) {
	if err := json.Unmarshal([]byte(m.text("data", "brought")), &list); err != nil {
		return nil, stuckFor(decided, "remove the ConfigMap; what the operator has brought then stays",
			"%s cannot be read: %w", m, err)
	}
	return list, nil
}

// broughtBy are the objects that the InstallPlans of a Subscription say they have created.
func (w *world) broughtBy(ctx context.Context, sub object) ([]brought, error) {
	plans, err := w.all(ctx, versionOLM, "InstallPlan", sub.namespace(), "")
	if err != nil {
		return nil, err
	}
	others, err := w.all(ctx, versionOLM, "Subscription", sub.namespace(), "")
	if err != nil {
		return nil, err
	}
	foreign := func(csv string) bool {
		return slices.ContainsFunc(others, func(o object) bool {
			return o.text("status", "installedCSV") == csv && !owned(o)
		})
	}
	out, err := w.leftBehind(ctx, sub)
	if err != nil {
		return nil, err
	}
	for _, p := range plans {
		ours := slices.ContainsFunc(p.list("metadata", "ownerReferences"), func(r object) bool {
			return r.text("uid") == sub.uid()
		})
		if !ours {
			continue
		}
		for _, step := range p.list("status", "plan") {
			if step.text("status") != "Created" || foreign(step.text("resolving")) {
				continue
			}
			b, err := w.stillThere(ctx, step.part("resource"), sub.namespace())
			if err != nil {
				return nil, err
			}
			if b != nil && !slices.Contains(out, *b) {
				out = append(out, *b)
			}
		}
	}
	return out, nil
}

// HyperConverged's operator makes this class for the pods of all operators, and does not take it away.
const (
	criticalClass = "kubevirt-cluster-critical"
	byLabel       = "app.kubernetes.io/managed-by"
	hcoLabel      = "hco-operator"
)

// leftBehind are objects that the operator of a Subscription makes besides, and leaves when it goes.
func (w *world) leftBehind(ctx context.Context, sub object) ([]brought, error) {
	if !strings.HasSuffix(sub.text("spec", "name"), "kubevirt-hyperconverged") {
		return nil, nil
	}
	const version, kind = "scheduling.k8s.io/v1", "PriorityClass"
	class, err := w.read(ctx, version, kind, "", criticalClass)
	if err != nil || class == nil || class.text("metadata", "labels", byLabel) != hcoLabel {
		return nil, err
	}
	return []brought{{APIVersion: version, Kind: kind, Name: criticalClass, UID: class.uid()}}, nil
}

// stillThere is the object of an InstallPlan's step, nil if it is gone.
func (w *world) stillThere(ctx context.Context, r object, namespace string) (*brought, error) {
	b := brought{Kind: r.text("kind"), Name: r.text("name"), Namespace: namespace, APIVersion: r.text("version")}
	if group := r.text("group"); group != "" {
		b.APIVersion = group + "/" + b.APIVersion
	}
	if b.Kind == "CustomResourceDefinition" {
		b.APIVersion = versionCRD // plans may name the old version
	}
	served, err := w.api.Find(ctx, b.APIVersion, b.Kind)
	switch {
	case noKind(err):
		return nil, nil //nolint:nilnil // absence is an answer
	case err != nil:
		return nil, err
	case !served.Namespaced:
		b.Namespace = ""
	}
	live, err := w.read(ctx, b.APIVersion, b.Kind, b.Namespace, b.Name)
	if err != nil || live == nil {
		return nil, err
	}
	b.UID = live.uid()
	return &b, nil
}

// removeOperators removes what the recorded Subscriptions have brought.
func (d *Deployer) removeOperators(ctx context.Context, w *world) error {
	return d.until(ctx, stepRemove, d.limit(stepRemove), func(ctx context.Context) (string, error) {
		maps, err := w.all(ctx, "v1", "ConfigMap", "", Label+"="+Manager)
		if err != nil {
			return "", err
		}
		maps = slices.DeleteFunc(maps, func(m object) bool { return !isRecord(m) || !owned(m) })
		return d.removeBrought(ctx, w, maps)
	})
}

// removeBrought removes what records name, and in the end the records.
func (d *Deployer) removeBrought(ctx context.Context, w *world, records []object) (string, error) {
	var csvs, rest []brought
	for _, m := range records {
		list, err := recorded(m)
		if err != nil {
			return "", err
		}
		for _, b := range list {
			if b.Kind == "ClusterServiceVersion" {
				csvs = append(csvs, b)
			} else {
				rest = append(rest, b)
			}
		}
	}
	// With the CSVs the operators end; another operator may need a definition until then.
	for _, list := range [][]brought{csvs, rest} {
		var waits []string
		for _, b := range list {
			missing, err := d.removeOneBrought(ctx, w, b)
			if err != nil {
				return "", err
			}
			if missing != "" {
				waits = append(waits, missing)
			}
		}
		if len(waits) > 0 {
			return some(waits), nil
		}
	}
	for _, b := range rest {
		live, err := w.read(ctx, b.APIVersion, b.Kind, b.Namespace, b.Name)
		if err != nil {
			return "", err
		}
		if live != nil && live.uid() == b.UID {
			event.Warn(d.Sink, fmt.Sprintf("%s stays: others use it", live))
		}
	}
	for _, m := range records {
		if missing, err := d.removeOne(ctx, w, m); err != nil || missing != "" {
			return missing, err
		}
	}
	return "", nil
}

// removeOneBrought removes an object, if it still is the one that was recorded and nobody else needs it.
func (d *Deployer) removeOneBrought(ctx context.Context, w *world, b brought) (string, error) {
	live, err := w.read(ctx, b.APIVersion, b.Kind, b.Namespace, b.Name)
	if err != nil || live == nil || live.uid() != b.UID {
		return "", err
	}
	if b.Kind == "CustomResourceDefinition" {
		used, err := w.usedByOthers(ctx, live)
		if err != nil || used {
			return "", err
		}
	}
	missing, err := d.removeOne(ctx, w, live)
	if kube.Answered(err) && apierrors.IsConflict(err) { // another one of that name took its place
		return "", nil
	}
	return missing, err
}

// usedByOthers reports whether a definition has objects, or another operator that needs it.
func (w *world) usedByOthers(ctx context.Context, crd object) (bool, error) {
	csvs, err := w.all(ctx, versionOLM, "ClusterServiceVersion", "", "")
	if err != nil {
		return false, err
	}
	for _, csv := range csvs {
		if csv.text("metadata", "labels", "olm.copiedFrom") != "" || csv.text("metadata", "deletionTimestamp") != "" {
			continue
		}
		for _, of := range []string{"owned", "required"} {
			if slices.ContainsFunc(csv.list("spec", "customresourcedefinitions", of), func(o object) bool {
				return o.text("name") == crd.name()
			}) {
				return true, nil
			}
		}
	}
	if crd.text("metadata", "deletionTimestamp") != "" {
		return false, nil
	}
	list, err := w.instances(ctx, crd)
	return len(list) > 0, err
}
