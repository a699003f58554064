package types

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/okd-install/okd-install/pkg/report"
)

// foreignPlatforms are those of other installers. Such a name is not a typing error.
var foreignPlatforms = []string{
	"alibabacloud", "aws", "azure", "equinixmetal", "gcp", "ibmcloud", "kubevirt", "libvirt",
	"nutanix", "openstack", "powervc", "powervs", "vsphere",
}

// otherPlatforms collects findings about platforms of other installers.
type otherPlatforms struct {
	report *report.Report
	ours   []string         // the platforms of this installer
	pools  []report.Finding // about pools' settings for such platforms
	used   bool             // the cluster itself is to be on one
}

// key handles a key, and reports whether it is the name of such a platform.
func (o *otherPlatforms) key(in reflect.Type, key string, at report.Path, place report.Position) bool {
	if !slices.Contains(foreignPlatforms, key) {
		return false
	}
	switch in {
	case reflect.TypeFor[Platform]():
		o.report.Add(report.Finding{Path: at, Type: report.Unsupported, Value: strconv.Quote(key), At: place,
			Detail: "this installer installs on other platforms; supported values: " + report.QuoteAll(o.ours)})
		o.report.Field(at.Child(key)).Break()
		o.used = true
	case reflect.TypeFor[MachinePoolPlatform]():
		o.pools = append(o.pools, report.Finding{Path: at.Child(key), Type: report.Invalid, Value: strconv.Quote(key),
			At: place, Detail: "is another platform than the cluster's; remove it"})
	default:
		return false
	}
	return true
}

// conclude adds the findings about pools, unless the cluster's platform has the same.
func (o *otherPlatforms) conclude() {
	if o.used {
		return
	}
	for _, f := range o.pools {
		o.report.Add(f)
	}
}
