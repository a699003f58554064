package types

import (
	"cmp"
	"maps"
	"strings"

	"github.com/okd-install/okd-install/pkg/pullsecret"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types/values"
)

const publishExternal = "External"

// Convert implements Converter.
func (c *InstallConfig) Convert(at report.Field) {
	switch c.APIVersion {
	case "v1beta3", "v1beta4": // what they name differently is converted here
		c.APIVersion = APIVersion
	}
	c.BaseDomain = strings.TrimSuffix(c.BaseDomain, ".")
	if v := c.VIPs(); v != nil {
		c.oldVIPs = v.Convert(at.Child("platform", c.Platform.Name()))
	}
	if len(c.ImageContentSources) > 0 && len(c.ImageDigestSources) == 0 {
		at.Child("imageContentSources").Warn(nil, "is the old form of imageDigestSources")
	}
	c.mendPullSecret(at.Child("pullSecret"))
}

// mendPullSecret removes logins that hosts cannot read.
func (c *InstallConfig) mendPullSecret(at report.Field) {
	repaired, dropped, err := pullsecret.Repair(c.PullSecret.Reveal())
	if err != nil {
		return // a rule says what is wrong
	}
	for _, host := range dropped {
		at.Warn(values.Hidden, "auth in the entry for %q is not the base64 form of user:password, "+
			"so that registry will be asked without a login; remove the entry, "+
			"or write what `printf user:password | base64 -w0` prints", host)
	}
	c.PullSecret = secret.New(repaired)
}

// bypassed marks a cluster whose keys may not meet FIPS 140.
const bypassed = "install.openshift.io/hostcrypt-check-bypassed"

// SetDefaults implements Defaulter.
func (c *InstallConfig) SetDefaults(_ *InstallConfig, o Options) {
	if c.Networking == nil {
		c.Networking = &Networking{}
	}
	if c.ControlPlane == nil {
		c.ControlPlane = &MachinePool{}
	}
	if len(c.Compute) == 0 {
		c.Compute = []MachinePool{{Name: WorkerPool}}
	}
	c.AdditionalTrustBundlePolicy = cmp.Or(c.AdditionalTrustBundlePolicy, TrustProxyOnly)
	c.Publish = cmp.Or(c.Publish, publishExternal)
	c.CPUPartitioningMode = cmp.Or(c.CPUPartitioningMode, "None")
	if o.Agent && c.BootstrapInPlace == nil && c.Masters() == 1 {
		// The etcd operator looks for this field. Which disk it is, the host itself finds out.
		c.BootstrapInPlace = &BootstrapInPlace{}
	}
	if c.FIPS && o.Host == FIPSOff && o.SkipHostCrypt {
		annotations := map[string]string{}
		maps.Copy(annotations, c.Metadata.Annotations)
		annotations[bypassed] = "true"
		c.Metadata.Annotations = annotations
	}
}

// Validate implements Validator.
func (c *InstallConfig) Validate(k Check) {
	switch at := k.Child("apiVersion"); c.APIVersion {
	case "":
		at.Required("write apiVersion: %s", APIVersion)
	case APIVersion:
	default:
		at.Invalid(c.APIVersion, "must be %s", APIVersion)
	}
	c.checkBaseDomain(k.Child("baseDomain"))
	values.PullSecret(k.Child("pullSecret"), c.PullSecret.Reveal())
	values.SSHKeys(k.Child("sshKey"), c.SSHKey, c.FIPS)
	values.Certificates(k.Child("additionalTrustBundle"), c.AdditionalTrustBundle)
	c.checkFIPS(k)
	c.checkPublishing(k)
	c.checkFeatures(k)
	if len(c.ImageContentSources) > 0 && len(c.ImageDigestSources) > 0 {
		k.Child("imageContentSources").Invalid(nil, "is the old form of imageDigestSources; set only imageDigestSources")
	}
	if k.Options.Agent {
		c.checkAgent(k)
	}
}

func (c *InstallConfig) checkBaseDomain(at report.Field) {
	switch {
	case c.BaseDomain == "":
		at.Required("the cluster's names are below it, as in api.<name>.<baseDomain>")
	case !values.IsSubdomain(c.BaseDomain):
		at.Invalid(c.BaseDomain, "must be a DNS name of lower-case letters, digits, '-' and '.'")
	case len(c.APIIntHost()) > values.MaxDNSName:
		at.Invalid(c.BaseDomain, "the name api-int.<name>.<baseDomain> would have more than %d characters", values.MaxDNSName)
	}
}

func (c *InstallConfig) checkFIPS(k Check) {
	if !c.FIPS || k.Options.Host != FIPSOff {
		return
	}
	if k.Options.SkipHostCrypt {
		k.Child("fips").Warn(true, "this host is not in FIPS mode, so the cluster's keys are not made as FIPS 140 asks for")
		return
	}
	k.Child("fips").Forbidden("this host, which makes the cluster's keys, is not in FIPS mode; " +
		"run the installer on one that is, or set OPENSHIFT_INSTALL_SKIP_HOSTCRYPT_VALIDATION=true")
}

// checkPublishing refuses what only clouds have.
func (c *InstallConfig) checkPublishing(k Check) {
	platform := c.Platform.Name()
	switch at := k.Child("publish"); c.Publish {
	case publishExternal:
	case "Internal", "Mixed":
		at.Invalid(c.Publish, "is not available on platform %s; use %s", platform, publishExternal)
	default:
		at.Unsupported(c.Publish, publishExternal)
	}
	if c.OperatorPublishing != nil {
		k.Child("operatorPublishingStrategy").Invalid(nil,
			"is for publish: Mixed, which platform %s does not have; remove it", platform)
	}
	if c.CredentialsMode != "" {
		k.Child("credentialsMode").Invalid(c.CredentialsMode, "cannot be set on platform %s; remove it", platform)
	}
	if c.PKI != nil {
		k.Child("pki").Forbidden("this installer's authorities have RSA keys of 2048 bits, as without it; remove it")
	}
}

// maxNameLength leaves room in a DNS label of 63 for the record of *.apps, which
// some servers write as \052.apps.
const maxNameLength = 54

// Validate implements Validator.
func (m *Metadata) Validate(k Check) {
	at, name := k.Child("name"), m.Name
	switch {
	case name == "":
		at.Required("the cluster needs a name")
	case !values.IsSubdomain(name):
		at.Invalid(name, "must be a DNS name of lower-case letters, digits, '-' and '.'")
	case len(name) > maxNameLength:
		at.Invalid(name, "must have at most %d characters", maxNameLength)
	case k.Config.OnPrem() && strings.Contains(name, "."):
		at.Invalid(name, "must not contain dots on platform %s", k.Config.Platform.Name())
	}
}

// Validate implements Validator.
func (b *BootstrapInPlace) Validate(k Check) {
	if k.Options.Agent && b.InstallationDisk == "" {
		return // checkAgent says what a single node needs
	}
	at := k.Child("installationDisk")
	switch disk := b.InstallationDisk; {
	case disk == "":
		at.Required("the disk to install on, like /dev/sda")
	case !strings.HasPrefix(disk, "/dev/") || len(disk) == len("/dev/"):
		at.Invalid(disk, "must be a path below /dev, like /dev/sda")
	}
	replicas := k.Root("controlPlane", "replicas")
	if n := k.Config.Masters(); n != 1 && !replicas.Broken() {
		replicas.Invalid(n, "bootstrapInPlace is for one control-plane machine")
	}
	if kind := k.Config.Platform.Kind(); kind.Name != "" && !kind.InPlace {
		able := Names(k.Options.Platforms, func(kind PlatformKind) bool { return kind.InPlace })
		k.Forbidden("is for platforms %s", JoinAnd(able))
	}
	compute := k.Root("compute")
	if n := k.Config.Workers(); n > 0 && !compute.Broken() {
		compute.Warn(n, "routes wait for these machines, since the control plane runs no workload unless there are 0")
	}
}
