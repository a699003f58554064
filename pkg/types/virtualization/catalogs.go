package virtualization

import (
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/release/versions"
	"github.com/okd-install/okd-install/pkg/report"
)

// oldest is the first release whose operators these rules know.
var oldest = versions.Minor{Major: 4, Minor: 18}

// catalogs fills in where operators come from, and refuses what the release cannot have.
func (f *fitting) catalogs() {
	o, at := &f.Operator, f.at.Child("operator")
	if f.known && !f.minor.Since(oldest) {
		at.Warn(f.minor.String(), "virtualization is made for release %s and later", oldest)
	}
	if c := &o.Catalog; c.Name == "" {
		if image, ok := f.cluster.Mirrored(CommunityIndex(f.cluster.Release)); ok && c.Image == "" {
			c.Image = image
		}
		c.Name = communityCatalog
		if c.Image != "" {
			c.Name = ownCatalog
		}
	}
	if m := f.Migration; m != nil {
		if m.Catalog.Name == "" && m.Catalog.Image == "" {
			m.Catalog.Image, _ = f.cluster.Mirrored(forkliftIndex)
		}
		either(&m.Catalog.Name, forkliftCatalog)
	}
	f.addOns(at.Child("addOns"))
}

// An AddOn is an operator that the catalog operator.addOns has.
type AddOn struct {
	Package string
	Field   report.Path // that needs it
}

// AddOns are the operators of operator.addOns that the config needs.
func (c *Config) AddOns() []AddOn {
	sriov := slices.IndexFunc(c.Networks, func(n Network) bool { return n.SRIOV != nil })
	var out []AddOn
	for _, a := range []struct {
		used bool
		AddOn
	}{
		{c.Storage.kind() == LVMStorage, AddOn{"lvms-operator", report.NewPath("storage", "type")}},
		{len(c.HostNetwork) > 0, AddOn{"kubernetes-nmstate-operator", report.NewPath("hostNetwork")}},
		{sriov >= 0, AddOn{"sriov-network-operator", report.NewPath("networks").Index(sriov).Child("sriov")}},
		{c.Availability.Descheduler != nil,
			AddOn{"cluster-kube-descheduler-operator", report.NewPath("availability", "descheduler")}},
		{c.Backup != nil, AddOn{"oadp-operator", report.NewPath("backup")}},
	} {
		if a.used {
			out = append(out, a.AddOn)
		}
	}
	return out
}

// insteadOf is what can be done without an operator.
var insteadOf = map[string]string{
	"lvms-operator":                     "use another type of storage",
	"kubernetes-nmstate-operator":       "set up these interfaces when nodes are installed, with networkConfig of hosts",
	"sriov-network-operator":            "use networks with bridge or localnet",
	"cluster-kube-descheduler-operator": "leave the descheduler out",
	"oadp-operator":                     "install OADP or Velero from elsewhere later",
}

func (f *fitting) addOns(at report.Field) {
	c := &f.Operator.AddOns
	if c.Name != "" || c.Image != "" { // the user knows what is in it
		either(&c.Name, addOnCatalog)
		return
	}
	c.Name = addOnCatalog
	needed := f.AddOns()
	there := slices.Contains(addOnReleases, f.minor)
	if there {
		c.Image, _ = f.cluster.Mirrored(fmt.Sprintf("%s:%s", addOnIndex, f.minor))
	}
	for _, a := range needed {
		field := within(f.at, a.Field)
		broken := slices.IndexFunc(brokenAddOns, func(b brokenAddOn) bool {
			return b.release == f.minor && b.field == a.Field.String()
		})
		why := ""
		switch {
		case !f.known:
			at.Child("image").Warn(nil, "depends on the release, which is not known yet; %s needs %s", a.Field, a.Package)
			continue
		case !there:
			why = fmt.Sprintf("okderators has catalogs for release %s only", strings.Join(names(addOnReleases), " and "))
		case broken >= 0:
			why = fmt.Sprintf("in the catalog of okderators for release %s, %s", f.minor, brokenAddOns[broken].why)
		default:
			continue
		}
		field.Forbidden("needs %s, which release %s cannot have: %s. Name another catalog as operator.addOns, or %s",
			a.Package, f.minor, why, insteadOf[a.Package])
	}
}

func names(list []versions.Minor) []string {
	var out []string
	for _, m := range list {
		out = append(out, m.String())
	}
	return out
}
