package virtualization

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/virtualization/manifests"
)

const (
	fixCatalog = "see that the nodes can pull the image, or name another one in operator.catalog of " +
		"virtualization.yaml; then run the same command again"
	fixOperator = "correct the channel, the catalog or the package of the operator; then run the same command again"
	fixImages   = "see that the nodes can pull the image, or that there is a mirror of it; then run the same command again"
	afterwards  = "mend what is named above; then run the same command again"
)

// catalogReady wants the lifecycle manager's connection to a catalog to be up.
func catalogReady(ctx context.Context, w *world, o object) (string, error) {
	state := o.text("status", "connectionState", "lastObservedState")
	if state == "READY" {
		return "", nil
	}
	text := "its connection is " + cmp.Or(state, "not reported yet") +
		kube.Since(parsed(o.text("status", "connectionState", "lastConnect")))
	if message := o.text("status", "message"); message != "" {
		text += ": " + kube.OneLine(message)
	}
	if o.text("status", "reason") == "SpecInvalidError" {
		return "", stuckFor(briefly, fixCatalog, "%s", text)
	}
	why, err := w.pods(ctx, o.namespace(), "olm.catalogSource="+o.name(), fixCatalog)
	if err != nil {
		return "", err
	}
	if why != "" {
		text += "; " + why
	}
	return text, nil
}

// onlyOperatorGroup wants one group in the namespace: with two, the lifecycle manager installs nothing there.
func onlyOperatorGroup(ctx context.Context, w *world, o object) (string, error) {
	list, err := w.all(ctx, versionGroups, "OperatorGroup", o.namespace(), "")
	if err != nil {
		return "", err
	}
	names := []string{o.name()}
	for _, g := range list {
		if g.name() != o.name() {
			names = append(names, g.name())
		}
	}
	if len(names) > 1 {
		slices.Sort(names[1:])
		return "", stuckFor(decided, "remove the OperatorGroup that is not needed; then run the same command again",
			"namespace %s has two operator groups (%s), so that no operator can be installed there: TooManyOperatorGroups",
			o.namespace(), strings.Join(names, ", "))
	}
	return "", nil
}

// catalogUsable wants the catalog of a Subscription before the Subscription is made.
func catalogUsable(ctx context.Context, w *world, o object) (string, error) {
	namespace, name := o.text("spec", "sourceNamespace"), o.text("spec", "source")
	c, err := w.read(ctx, versionOLM, "CatalogSource", namespace, name)
	switch {
	case err != nil:
		return "", err
	case c == nil:
		return "", stuckFor(patience, "name a catalog that the cluster has in operator.catalog of virtualization.yaml",
			"CatalogSource %s/%s does not exist", namespace, name)
	}
	text, err := catalogReady(ctx, w, c)
	if err != nil {
		return "", within(c.String(), err)
	}
	if text != "" {
		text = c.String() + ": " + text
	}
	return text, nil
}

// redirected points Subscriptions to the catalog that has taken the place of the cluster's.
func (w *world) redirected(ctx context.Context) error {
	own, err := w.read(ctx, versionOLM, "CatalogSource", marketplace, manifests.AddedCatalogName)
	if err != nil || own == nil || !owned(own) || w.brings(marketplace, community) {
		return err
	}
	for _, sub := range w.of(groupOLM, "Subscription") {
		if sub.text("spec", "sourceNamespace") == marketplace && sub.text("spec", "source") == community {
			sub.part("spec")["source"] = manifests.AddedCatalogName
		}
	}
	return nil
}

// failures are the conditions of a Subscription that say that it will not install anything.
var failures = []string{"ResolutionFailed", "BundleUnpackFailed", "InstallPlanFailed"}

// subscriptionUnderway wants the operator's CSV to be there. It may not have succeeded: operators of the bundle need a
// priority class that one of them makes.
func subscriptionUnderway(ctx context.Context, w *world, o object) (string, error) {
	csv, missing, err := w.csvOf(ctx, o)
	if err != nil || missing != "" {
		return missing, err
	}
	if phase := csv.text("status", "phase"); phase != "Installing" && phase != "Succeeded" {
		return csvState(ctx, w, csv)
	}
	return "", nil
}

// subscriptionInstalled wants the operator's CSV to have succeeded.
func subscriptionInstalled(ctx context.Context, w *world, o object) (string, error) {
	csv, missing, err := w.csvOf(ctx, o)
	if err != nil || missing != "" {
		return missing, err
	}
	return csvState(ctx, w, csv)
}

// csvOf is the CSV that a Subscription has installed, or what is missing until there is one.
func (w *world) csvOf(ctx context.Context, o object) (csv object, missing string, err error) {
	if name := o.text("status", "installedCSV"); name != "" {
		csv, err := w.read(ctx, versionOLM, "ClusterServiceVersion", o.namespace(), name)
		if err == nil && csv == nil {
			missing = "ClusterServiceVersion " + o.namespace() + "/" + name + " does not exist, although it is installed"
		}
		return csv, missing, err
	}
	for _, kind := range failures {
		c := o.condition(kind)
		if !c.is("True") {
			continue
		}
		lasts := retried
		if c.Reason == "ConstraintsNotSatisfiable" {
			lasts = briefly
		}
		return nil, "", stuckFor(lasts, fixOperator, "%s%s", c, w.channels(ctx, o))
	}
	if plan := o.text("status", "installPlanRef", "name"); plan != "" {
		missing, err := w.plan(ctx, o.namespace(), plan)
		if missing == "" {
			missing = "its CSV is not installed yet" + stateOf(o)
		}
		return nil, missing, err
	}
	return w.unplanned(ctx, o)
}

// unplanned says why a Subscription has no InstallPlan.
func (w *world) unplanned(ctx context.Context, o object) (object, string, error) {
	group, err := onlyOperatorGroup(ctx, w, operatorGroupOf(w, o))
	if err != nil {
		return nil, group, err
	}
	if c := o.condition("BundleUnpacking"); c.is("True") {
		why, err := w.unpacking(ctx, o)
		if err != nil {
			return nil, "", within(c.String(), err)
		}
		if why != "" {
			why = "; " + why
		}
		return nil, c.String() + why, nil
	}
	if c := o.condition("CatalogSourcesUnhealthy"); c.is("True") {
		text := c.String()
		unhealthy, err := w.unhealthyCatalogs(ctx)
		if len(unhealthy) > 0 {
			text += ": " + strings.Join(unhealthy, "; ")
		}
		return nil, text, err
	}
	return nil, "it has no InstallPlan yet" + stateOf(o), nil
}

// operatorGroupOf is the operator group of a Subscription's namespace: ours if we make one, else the first.
func operatorGroupOf(w *world, o object) object {
	for _, g := range w.of(groupOLM, "OperatorGroup") {
		if g.namespace() == o.namespace() {
			return g
		}
	}
	return object{"metadata": map[string]any{"namespace": o.namespace(), "name": "global-operators"}}
}

func stateOf(o object) string {
	if state := o.text("status", "state"); state != "" {
		return " (state " + state + ")" + kube.Since(parsed(o.text("status", "lastUpdated")))
	}
	return ""
}

// unpacking looks at the pods that unpack bundles.
func (w *world) unpacking(ctx context.Context, o object) (string, error) {
	return w.pods(ctx, o.text("spec", "sourceNamespace"), "operatorframework.io/bundle-unpack-ref", fixImages)
}

// unhealthyCatalogs are the catalogs that are not ready: one of them keeps everything from being resolved.
func (w *world) unhealthyCatalogs(ctx context.Context) ([]string, error) {
	list, err := w.all(ctx, versionOLM, "CatalogSource", "", "")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, c := range list {
		text, err := catalogReady(ctx, w, c)
		if err != nil {
			text = err.Error()
		}
		if text != "" {
			out = append(out, c.String()+": "+text)
		}
	}
	return out, nil
}

// channels says which channels a package has, to go with an error that a Subscription could not be resolved. It is
// empty if the package is not known, or the channel exists.
func (w *world) channels(ctx context.Context, o object) string {
	p, err := w.read(ctx, "packages.operators.coreos.com/v1", "PackageManifest", o.namespace(), o.text("spec", "name"))
	if err != nil || p == nil {
		return ""
	}
	var names []string
	for _, c := range p.list("status", "channels") {
		names = append(names, c.text("name"))
	}
	if len(names) == 0 || slices.Contains(names, o.text("spec", "channel")) {
		return ""
	}
	return fmt.Sprintf("; package %s has channels %s, and not %s", p.name(), strings.Join(names, ", "),
		o.text("spec", "channel"))
}

// plan says why an InstallPlan is not complete.
func (w *world) plan(ctx context.Context, namespace, name string) (string, error) {
	p, err := w.read(ctx, versionOLM, "InstallPlan", namespace, name)
	switch {
	case err != nil:
		return "", err
	case p == nil:
		return "InstallPlan " + namespace + "/" + name + " does not exist yet", nil
	}
	switch phase := p.text("status", "phase"); phase {
	case "Complete":
		return "", nil
	case "Failed":
		message := p.text("status", "message")
		for _, c := range p.list("status", "conditions") {
			message = cmp.Or(c.text("message"), message)
		}
		if group := operatorGroupTrouble(message); group != "" {
			message = group
		}
		return "", stuckFor(briefly, afterwards, "%s has failed: %s", p, cmp.Or(kube.OneLine(message), "without a reason"))
	case "RequiresApproval":
		if approved, _ := p.get("spec", "approved").(bool); approved {
			return p.String() + " is approved", nil
		}
		return p.String() + " waits for approval", nil
	default:
		return p.String() + " is " + cmp.Or(phase, "new") + planProgress(p), nil
	}
}

func operatorGroupTrouble(message string) string {
	if strings.Contains(message, "more than one operator group") {
		return "namespace has two operator groups: " + message
	}
	return ""
}

// planProgress names the first thing that an InstallPlan has not made yet.
func planProgress(p object) string {
	for _, s := range p.list("status", "plan") {
		switch state := s.text("status"); state {
		case "Created", "Present":
		default:
			return fmt.Sprintf(": %s %s is %s", s.text("resource", "kind"), s.text("resource", "name"),
				cmp.Or(state, "Unknown"))
		}
	}
	return ""
}

// csvState says why a CSV has not succeeded.
func csvState(ctx context.Context, w *world, csv object) (string, error) {
	phase, reason := csv.text("status", "phase"), csv.text("status", "reason")
	if phase == "Succeeded" {
		return "", nil
	}
	text := csv.String() + " is " + cmp.Or(phase, "new")
	if reason != "" {
		text += " (" + reason + ")"
	}
	if message := csv.text("status", "message"); message != "" {
		text += ": " + kube.OneLine(message)
	}
	text += kube.Since(parsed(csv.text("status", "lastTransitionTime")))
	for _, r := range csv.list("status", "requirementStatus") {
		if s := r.text("status"); s != "" && s != "Present" && s != "Satisfied" {
			text += fmt.Sprintf("; it needs %s %s: %s", r.text("kind"), r.text("name"), kube.OneLine(r.text("message")))
			break
		}
	}
	switch reason {
	case "UnsupportedOperatorGroup", "TooManyOperatorGroups", "NoOperatorGroup", "InvalidInstallModes",
		"OwnerConflict", "InterOperatorGroupOwnerConflict", "InvalidStrategy":
		return "", stuckFor(briefly, afterwards, "%s", text)
	}
	for _, d := range csv.list("spec", "install", "spec", "deployments") {
		why, err := w.deployment(ctx, csv.namespace(), d.text("name"), fixImages)
		if err != nil {
			return "", within(csv.String(), err)
		}
		if why != "" {
			text += "; " + why
			break
		}
	}
	if phase == "Failed" {
		return "", stuckFor(patience, afterwards, "%s", text)
	}
	return text, nil
}
