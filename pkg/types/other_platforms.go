package types

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/okd-install/okd-install/pkg/report"
)

// foreignPlatforms are those of other installers. A file that names one is no
// typing error.
var foreignPlatforms = []string{
	"alibabacloud", "aws", "azure", "equinixmetal", "gcp", "ibmcloud", "kubevirt", "libvirt",
	"nutanix", "openstack", "powervc", "powervs", "vsphere",
}

// otherPlatforms collects what a file says about platforms of other installers.
type otherPlatforms struct {
	report *report.Report
	ours   []string         // the platforms of this installer
	pools  []report.Finding // about pools' settings for such platforms
	used   bool             // the cluster itself is to be on one
}

// key deals with a key that is the name of such a platform.
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

// conclude adds what was found in pools, unless it only repeats what is wrong
// with the cluster's platform.
func (o *otherPlatforms) conclude() {
	if o.used {
		return
	}
	for _, f := range o.pools {
		o.report.Add(f)
	}
}
