package types

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/okd-install/okd-install/pkg/report"
)

const dnsLabel = `[a-z0-9]([-a-z0-9]*[a-z0-9])?`

var (
	subdomain = regexp.MustCompile(`^` + dnsLabel + `(\.` + dnsLabel + `)*$`)
	uuidForm  = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	// repository is an image name without tag and digest. The first part may
	// have a port.
	repository = regexp.MustCompile(`^[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
)

const maxNameLength = 54

func validate(c *InstallConfig, r *report.Report) {
	root := report.Path{}
	switch c.APIVersion {
	case "":
		r.Required(root.Child("apiVersion"), "write apiVersion: %s", APIVersion)
	case APIVersion:
	default:
		r.Unsupported(root.Child("apiVersion"), c.APIVersion, APIVersion)
	}
	if c.Kind != "" && c.Kind != "InstallConfig" {
		r.Unsupported(root.Child("kind"), c.Kind, "InstallConfig")
	}
	validateNames(c, r)
	validateNetworking(c, r)
	validatePools(c, r)
	validatePlatform(c, r)
	validatePullSecret(c, r)
	validateSSHKey(c, r)
	validateTrust(c, r)
	validateProxy(c, r)
	validateMirrors(c, r)
	validateFeatures(c, r)
}

func validateNames(c *InstallConfig, r *report.Report) {
	at := report.NewPath("metadata", "name")
	name := c.Metadata.Name
	onPrem := c.Platform.Ovirt != nil || c.Platform.BareMetal != nil
	switch {
	case name == "":
		r.Required(at, "the cluster needs a name")
	case !subdomain.MatchString(name):
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
	case !subdomain.MatchString(c.BaseDomain):
		r.Invalid(at, c.BaseDomain, "must be a DNS name of lower-case letters, digits, '-' and '.'")
	case len("api-int."+c.ClusterDomain()) > 253:
		r.Invalid(at, c.BaseDomain, "the name %s would have more than 253 characters", "api-int."+c.ClusterDomain())
	}
}

func validatePools(c *InstallConfig, r *report.Report) {
	at := report.NewPath("controlPlane")
	if c.ControlPlane.Name != MasterPool {
		r.Unsupported(at.Child("name"), c.ControlPlane.Name, MasterPool)
	}
	validatePool(c, c.ControlPlane, at, r)
	switch n := *c.ControlPlane.Replicas; {
	case n < 1:
		r.Invalid(at.Child("replicas"), n, "there must be at least one")
	case n == 2 && c.Arbiter == nil:
		r.Invalid(at.Child("replicas"), n, "two members of etcd survive no failure; use 1, or 3 to 5")
	case n > 5:
		r.Warn(at.Child("replicas"), n, "etcd becomes slower, not safer, with more than 5 members")
	}
	if c.Arbiter != nil {
		r.Forbidden(report.NewPath("arbiter"), "no platform of this installer supports arbiter nodes")
	}
	at = report.NewPath("compute")
	seen := map[string]bool{}
	for i := range c.Compute {
		p := &c.Compute[i]
		switch {
		case p.Name == "":
			r.Required(at.Index(i).Child("name"), "write name: %s", WorkerPool)
		case p.Name != WorkerPool:
			r.Unsupported(at.Index(i).Child("name"), p.Name, WorkerPool)
		case seen[p.Name]:
			r.Duplicate(at.Index(i).Child("name"), p.Name, "another pool has this name")
		}
		seen[p.Name] = true
		validatePool(c, p, at.Index(i), r)
		if *p.Replicas < 0 {
			r.Invalid(at.Index(i).Child("replicas"), *p.Replicas, "must not be negative")
		}
		if p.Architecture != c.ControlPlane.Architecture {
			r.Invalid(at.Index(i).Child("architecture"), p.Architecture, "must be that of the control plane, %s", c.ControlPlane.Architecture)
		}
	}
}

func validatePool(c *InstallConfig, p *MachinePool, at report.Path, r *report.Report) {
	if !slices.Contains([]string{hyperthreadingEnabled, hyperthreadingDisabled}, p.Hyperthreading) {
		r.Unsupported(at.Child("hyperthreading"), p.Hyperthreading, hyperthreadingEnabled, hyperthreadingDisabled)
	}
	archs := []string{archAMD64, "arm64", "ppc64le", "s390x"}
	if c.Platform.Ovirt != nil {
		archs = archs[:1] // the engine hands Ignition only to VMs of type rhcos_x64
	}
	if !slices.Contains(archs, p.Architecture) {
		r.Unsupported(at.Child("architecture"), p.Architecture, archs...)
	}
	if p.Platform.Ovirt != nil && c.Platform.Ovirt == nil {
		r.Forbidden(at.Child("platform", PlatformOvirt), "the cluster's platform is %s", c.Platform.Name())
	}
	if p.Platform.BareMetal != nil && c.Platform.BareMetal == nil {
		r.Forbidden(at.Child("platform", PlatformBareMetal), "the cluster's platform is %s", c.Platform.Name())
	}
}

func validatePlatform(c *InstallConfig, r *report.Report) {
	at := report.NewPath("platform")
	set := 0
	for _, is := range []bool{c.Platform.Ovirt != nil, c.Platform.BareMetal != nil, c.Platform.None != nil, c.Platform.External != nil} {
		if is {
			set++
		}
	}
	if set == 0 {
		r.Required(at, "set one of %s, %s, %s, %s", PlatformOvirt, PlatformBareMetal, PlatformNone, PlatformExternal)
	}
	if set > 1 {
		r.Forbidden(at, "only one platform may be set")
	}
	if p := c.Platform.Ovirt; p != nil {
		validateOvirt(c, p, at.Child(PlatformOvirt), r)
	}
	if p := c.Platform.BareMetal; p != nil {
		validateVIPs(c, at.Child(PlatformBareMetal), "apiVIPs", p.APIVIPs, "ingressVIPs", p.IngressVIPs, p.LoadBalancer, r)
	}
	if p := c.Platform.External; p != nil && p.CloudControllerManager != "" && p.CloudControllerManager != "External" {
		r.Unsupported(at.Child(PlatformExternal, "cloudControllerManager"), p.CloudControllerManager, "", "External")
	}
}

type registryLogin struct {
	Auth       string `json:"auth"`
	CredsStore string `json:"credsStore"`
}

func parsePullSecret(text string) (map[string]registryLogin, error) {
	var doc struct {
		Auths map[string]registryLogin `json:"auths"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, fmt.Errorf("must be JSON: %w", err)
	}
	return doc.Auths, nil
}

func validatePullSecret(c *InstallConfig, r *report.Report) {
	const hidden = "(hidden)"
	at := report.NewPath("pullSecret")
	if strings.TrimSpace(c.PullSecret.Reveal()) == "" {
		r.Required(at, `a release without login takes '{"auths":{"fake":{"auth":"aWQ6cGFzcwo="}}}'`)
		return
	}
	auths, err := parsePullSecret(c.PullSecret.Reveal())
	if err != nil {
		r.Invalid(at, hidden, "must be JSON with the key auths") // the cause would quote the secret
		return
	}
	if len(auths) == 0 {
		r.Invalid(at, hidden, "auths must name at least one registry")
	}
	for _, host := range slices.Sorted(maps.Keys(auths)) {
		login := auths[host]
		plain, err := base64.StdEncoding.DecodeString(login.Auth)
		switch {
		case login.Auth == "" && login.CredsStore == "":
			r.Invalid(at, hidden, "the entry for %q has neither auth nor credsStore", host)
		case login.Auth != "" && (err != nil || !strings.Contains(string(plain), ":")):
			r.Invalid(at, hidden, "auth in the entry for %q must be the base64 form of user:password", host)
		}
	}
}

func validateSSHKey(c *InstallConfig, r *report.Report) {
	at := report.NewPath("sshKey")
	for _, line := range strings.Split(c.SSHKey, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		switch {
		case strings.Contains(line, "PRIVATE KEY"):
			r.Invalid(at, "(hidden)", "this is a private key; write the public one, from the file that ends in .pub")
			return
		case err != nil:
			r.Invalid(at, line, "must be a public key as in authorized_keys, like ssh-ed25519 AAAA...")
		case c.FIPS && key.Type() == ssh.KeyAlgoED25519:
			r.Invalid(at, key.Type(), "FIPS allows RSA and ECDSA keys only")
		}
	}
}

func validateTrust(c *InstallConfig, r *report.Report) {
	at := report.NewPath("additionalTrustBundle")
	if p := c.AdditionalTrustBundlePolicy; p != "" && p != TrustProxyOnly && p != TrustAlways {
		r.Unsupported(report.NewPath("additionalTrustBundlePolicy"), string(p), string(TrustProxyOnly), string(TrustAlways))
	}
	if c.AdditionalTrustBundle == "" {
		return
	}
	rest := []byte(strings.TrimSpace(c.AdditionalTrustBundle))
	for n := 1; len(rest) > 0; n++ {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			r.Invalid(at, "...", "block %d is not PEM", n)
			return
		}
		if _, err := x509.ParseCertificate(block.Bytes); block.Type != "CERTIFICATE" || err != nil {
			r.Invalid(at, "...", "block %d is not a certificate", n)
		}
		rest = []byte(strings.TrimSpace(string(rest)))
	}
}

func validateMirrors(c *InstallConfig, r *report.Report) {
	if len(c.ImageContentSources) > 0 {
		r.Forbidden(report.NewPath("imageContentSources"), "is the old name of imageDigestSources; set only imageDigestSources")
	}
	for i, s := range c.ImageDigestSources {
		at := report.NewPath("imageDigestSources").Index(i)
		if s.Source == "" {
			r.Required(at.Child("source"), "the repository that has mirrors")
		} else if !repository.MatchString(s.Source) {
			r.Invalid(at.Child("source"), s.Source, "must be a repository without tag and digest")
		}
		for j, m := range s.Mirrors {
			if !repository.MatchString(m) {
				r.Invalid(at.Child("mirrors").Index(j), m, "must be a repository without tag and digest")
			}
		}
		if p := s.SourcePolicy; p != "" && p != "NeverContactSource" && p != "AllowContactingSource" {
			r.Unsupported(at.Child("sourcePolicy"), p, "NeverContactSource", "AllowContactingSource")
		}
	}
}

func validateProxy(c *InstallConfig, r *report.Report) {
	if c.Proxy == nil {
		return
	}
	at := report.NewPath("proxy")
	if c.Proxy.HTTPProxy == "" && c.Proxy.HTTPSProxy == "" {
		r.Required(at, "set httpProxy or httpsProxy")
	}
	check := func(name, value string, schemes ...string) {
		if value == "" {
			return
		}
		u, err := url.Parse(value)
		switch {
		case err != nil || u.Host == "":
			r.Invalid(at.Child(name), "(hidden)", "must be a URL") // it may hold a password
		case !slices.Contains(schemes, u.Scheme):
			r.Unsupported(at.Child(name), u.Scheme, schemes...)
		}
	}
	check("httpProxy", c.Proxy.HTTPProxy, "http")
	check("httpsProxy", c.Proxy.HTTPSProxy, "http", "https")
	if c.Proxy.NoProxy == "*" || c.Proxy.NoProxy == "" {
		return
	}
	for _, item := range strings.Split(c.Proxy.NoProxy, ",") {
		if strings.ContainsAny(item, " \t") {
			r.Invalid(at.Child("noProxy"), c.Proxy.NoProxy, "must not contain spaces")
			return
		}
		if !isProxyExclusion(item) {
			r.Invalid(at.Child("noProxy"), item, "must be an IP address, a network or a domain")
		}
	}
}
