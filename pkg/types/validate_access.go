package types

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/okd-install/okd-install/pkg/pullsecret"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
)

// validatePullSecret checks the logins, and takes out those that hosts could not
// read: everything that is made of the config has the rest.
func validatePullSecret(c *InstallConfig, r *report.Report) {
	at := report.NewPath("pullSecret")
	if strings.TrimSpace(c.PullSecret.Reveal()) == "" {
		r.Required(at, `a release without login takes '{"auths":{"fake":{"auth":"aWQ6cGFzcwo="}}}'`)
		return
	}
	auths, err := pullsecret.Parse(c.PullSecret.Reveal())
	if err != nil {
		r.Invalid(at, hidden, "%v", err)
		return
	}
	for _, host := range slices.Sorted(maps.Keys(auths)) {
		if login := auths[host]; login.Auth == "" && login.CredsStore == "" {
			r.Invalid(at, hidden, "the entry for %q has neither auth nor credsStore", host)
		}
	}
	mended, dropped, err := pullsecret.Mend(c.PullSecret.Reveal())
	if err != nil {
		r.Invalid(at, hidden, "%v", err)
		return
	}
	for _, host := range dropped {
		r.Warn(at, hidden, "auth in the entry for %q is not the base64 form of user:password, "+
			"so that registry will be asked without a login; remove the entry, or write what `printf user:password | base64 -w0` prints", host)
	}
	c.PullSecret = secret.New(mended)
}

// fipsKeys are the types of SSH keys that FIPS 140 allows.
var fipsKeys = regexp.MustCompile(`^(ssh-rsa|ecdsa-sha2-nistp[0-9]{3})$`)

func validateSSHKey(c *InstallConfig, r *report.Report) {
	at := report.NewPath("sshKey")
	for _, line := range strings.Split(c.SSHKey, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		switch {
		case strings.Contains(line, "PRIVATE KEY"):
			r.Invalid(at, hidden, "this is a private key; write the public one, from the file that ends in .pub")
			return
		case err != nil:
			r.Invalid(at, keyType(line), "must be a public key as in authorized_keys, like ssh-ed25519 AAAA...")
			return
		case c.FIPS && !fipsKeys.MatchString(key.Type()):
			r.Invalid(at, key.Type(), "FIPS allows RSA and ECDSA keys only")
		}
	}
}

// keyType is what may be shown of something that should be a public key.
func keyType(line string) string {
	first, _, _ := strings.Cut(line, " ")
	if strings.HasPrefix(first, "ssh-") || strings.HasPrefix(first, "ecdsa-") || strings.HasPrefix(first, "sk-") {
		return first
	}
	return hidden
}

func validateTrust(c *InstallConfig, r *report.Report) {
	validateCertificates(r, report.NewPath("additionalTrustBundle"), c.AdditionalTrustBundle)
}

// validateCertificates checks that a text is certificates in PEM and nothing
// else.
func validateCertificates(r *report.Report, at report.Path, text string) {
	rest := []byte(strings.TrimSpace(text))
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

// bypassed marks a cluster of which nobody knows whether its keys were made with
// the cryptography that FIPS 140 asks for.
const bypassed = "install.openshift.io/hostcrypt-check-bypassed"

func (o Options) validateFIPS(c *InstallConfig, r *report.Report) {
	if !c.FIPS || o.Host != FIPSOff {
		return
	}
	at := report.NewPath("fips")
	if !o.SkipHostCrypt {
		r.Forbidden(at, "this host, which makes the cluster's keys, is not in FIPS mode; run the installer on one that is, or set OPENSHIFT_INSTALL_SKIP_HOSTCRYPT_VALIDATION=true")
		return
	}
	r.Warn(at, true, "this host is not in FIPS mode, so the cluster's keys are not made as FIPS 140 asks for")
	annotations := maps.Clone(c.Metadata.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[bypassed] = "true"
	c.Metadata.Annotations = annotations
}
