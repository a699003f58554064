package virtualization

import (
	"slices"
	"strings"
	"time"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// check applies the rules that concern the file alone.
func (c *Config) check(k report.Field) {
	checkTags(c, k)
	c.Operator.check(k.Child("operator"))
	c.HyperConverged.check(k.Child("hyperConverged"))
	c.GoldenImages.check(k.Child("goldenImages"))
	c.Storage.check(k.Child("storage"))
	checkPolicies(k.Child("hostNetwork"), c.HostNetwork)
	c.checkNetworks(k)
	c.Availability.check(k.Child("availability"))
	c.Backup.check(k.Child("backup"))
	c.Migration.check(k.Child("migration"))
	c.Pipelines.check(k.Child("pipelines"))
	checkDuration(k.Child("smokeTest", "timeout"), c.SmokeTest.Timeout, 30*time.Second, 2*time.Hour)
}

// checkDuration refuses durations that cannot be meant; none is fine.
func checkDuration(at report.Field, d Duration, least, most time.Duration) {
	if (d.Duration != 0 || at.Present() && !at.Broken()) && (d.Duration < least || d.Duration > most) {
		at.Invalid(d.String(), "must be between %s and %s", Duration{least}, Duration{most})
	}
}

// ownCatalogs are the catalogs that the cluster makes itself, and resets if they are changed.
var ownCatalogs = []string{communityCatalog, "certified-operators", "redhat-operators", "redhat-marketplace"}

func (o *Operator) check(k report.Field) {
	o.Catalog.check(k.Child("catalog"))
	o.AddOns.check(k.Child("addOns"))
	if a, b := o.Catalog, o.AddOns; a.Name != "" && a.Name == b.Name && a.Namespace == b.Namespace && a.Image != b.Image {
		k.Child("addOns", "name").Duplicate(b.Name, "catalog has this name and another image")
	}
}

func (c *Catalog) check(k report.Field) {
	if c.Image != "" && slices.Contains(ownCatalogs, c.Name) {
		k.Child("name").Invalid(c.Name, "the cluster has a catalog of this name, and resets what is changed in it; "+
			"choose another name for the one with image")
	}
}

func (g *GoldenImages) check(k report.Field) {
	names, off := values.Unique{}, k.Child("disable")
	for i, s := range g.Sources {
		at := k.Child("sources").Index(i)
		names.Add(at.Child("name"), s.Name, s.Name)
		if slices.Contains(g.Disable, s.Name) {
			at.Child("name").Invalid(s.Name, "is in disable, too; without it there, this image takes its place")
		}
		if q := s.PullMethod; q == nodePull {
			s.checkNodePull(at)
		}
	}
	for i, name := range g.Disable {
		if slices.Index(g.Disable, name) < i {
			off.Index(i).Duplicate(name, "is there twice")
		}
	}
	if g.Enabled != nil && !*g.Enabled && len(g.Disable) > 0 {
		off.Warn(strings.Join(g.Disable, ", "), "means nothing, because enabled is false")
	}
}

const (
	nodePull = "node"
	podPull  = "pod"
)

func (s *ImageSource) checkNodePull(at report.Field) {
	for _, f := range []struct{ name, value string }{
		{"secretName", s.SecretName}, {"certConfigMap", s.CertConfigMap},
	} {
		if f.value != "" {
			at.Child(f.name).Forbidden("is for pullMethod pod; nodes have the cluster's pull secret and trusted certificates")
		}
	}
}

func (a *Availability) check(k report.Field) {
	if n := a.NodeHealthCheck; n != nil {
		checkDuration(k.Child("nodeHealthCheck", "unhealthyAfter"), n.UnhealthyAfter, time.Minute, time.Hour)
	}
	if d := a.Descheduler; d != nil {
		checkDuration(k.Child("descheduler", "interval"), d.Interval, time.Minute, 24*time.Hour)
	}
}

func (p *Pipelines) check(k report.Field) {
	if p == nil {
		return
	}
	seen := values.Unique{}
	for i, name := range p.Namespaces {
		at := k.Child("namespaces").Index(i)
		seen.Add(at, name, name)
		if reserved(name) {
			at.Invalid(name, "Tekton makes no service account in namespaces of the cluster; choose another, like vm-pipelines")
		}
	}
}

// reserved reports whether a namespace is one of the cluster's own.
func reserved(namespace string) bool {
	return strings.HasPrefix(namespace, "openshift") || strings.HasPrefix(namespace, "kube-")
}
