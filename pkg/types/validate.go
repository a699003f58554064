package types

import (
	"regexp"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
)

const dnsLabel = `[a-z0-9]([-a-z0-9]*[a-z0-9])?`

var (
	subdomain = regexp.MustCompile(`^` + dnsLabel + `(\.` + dnsLabel + `)*$`)
	uuidForm  = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

const (
	// maxNameLength leaves room in a DNS label of 63 for the record of *.apps,
	// which some servers write as \052.apps.
	maxNameLength = 54
	// maxDNSName is the length of a DNS name.
	maxDNSName = 253
)

// isSubdomain says whether a text is a name as RFC 1123 has it.
func isSubdomain(s string) bool { return len(s) <= maxDNSName && subdomain.MatchString(s) }

// validate adds everything that is wrong with a complete config.
func (o Options) validate(c *InstallConfig, r *report.Report) {
	at := report.NewPath("apiVersion")
	switch c.APIVersion {
	case "":
		r.Required(at, "write apiVersion: %s", APIVersion)
	case APIVersion:
	default:
		r.Invalid(at, c.APIVersion, "must be %s", APIVersion)
	}
	validateNames(c, r)
	validateNetworking(c, r)
	validatePools(c, r)
	o.validatePlatform(c, r)
	validatePullSecret(c, r)
	validateSSHKey(c, r)
	validateTrust(c, r)
	validateProxy(c, r)
	validateMirrors(c, r)
	o.validateFIPS(c, r)
	validatePublishing(c, r)
	validateFeatures(c, r)
	o.validateCapabilities(c, r)
	validateBootstrapInPlace(c, r)
}

func validateNames(c *InstallConfig, r *report.Report) {
	at := report.NewPath("metadata", "name")
	name := c.Metadata.Name
	onPrem := c.Platform.Ovirt != nil || c.Platform.BareMetal != nil
	switch {
	case name == "":
		r.Required(at, "the cluster needs a name")
	case !isSubdomain(name):
		r.Invalid(at, name, "must be a DNS name of lower-case letters, digits, '-' and '.'")
	case len(name) > maxNameLength:
		r.Invalid(at, name, "must have at most %d characters", maxNameLength)
	case onPrem && strings.Contains(name, "."):
		r.Invalid(at, name, "must not contain dots on platform %s", c.Platform.Name())
	}
	at = report.NewPath("baseDomain")
	switch {
	case c.BaseDomain == "":
		r.Required(at, "the cluster's names are below it, as in api.<name>.<baseDomain>")
	case !isSubdomain(c.BaseDomain):
		r.Invalid(at, c.BaseDomain, "must be a DNS name of lower-case letters, digits, '-' and '.'")
	case len(c.APIIntHost()) > maxDNSName:
		r.Invalid(at, c.BaseDomain, "the name api-int.<name>.<baseDomain> would have more than %d characters", maxDNSName)
	}
}

func validateBootstrapInPlace(c *InstallConfig, r *report.Report) {
	b := c.BootstrapInPlace
	if b == nil {
		return
	}
	at := report.NewPath("bootstrapInPlace")
	switch disk := b.InstallationDisk; {
	case disk == "":
		r.Required(at.Child("installationDisk"), "the disk to install on, like /dev/sda")
	case !strings.HasPrefix(disk, "/dev/") || len(disk) == len("/dev/"):
		r.Invalid(at.Child("installationDisk"), disk, "must be a path below /dev, like /dev/sda")
	}
	replicas := report.NewPath("controlPlane", "replicas")
	if n := c.Masters(); n != 1 && !r.Broken(replicas) {
		r.Invalid(replicas, n, "bootstrapInPlace is for one control-plane machine")
	}
	if p := c.Platform.Name(); p == PlatformOvirt || p == PlatformBareMetal {
		r.Forbidden(at, "is for platforms %s and %s", PlatformNone, PlatformExternal)
	}
	if n := c.Workers(); n > 0 && !r.Broken(report.NewPath("compute")) {
		r.Warn(report.NewPath("compute"), n, "routes wait for these machines, since the control plane runs no workload unless there are 0")
	}
}
