package values

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
)

// Hidden stands for values that may be a secret.
const Hidden = "(hidden)"

// PullSecret checks logins of registries.
func PullSecret(at report.Field, text string) {
	if strings.TrimSpace(text) == "" {
		at.Required(`a release without login takes '{"auths":{"fake":{"auth":"aWQ6cGFzcwo="}}}'`)
		return
	}
	auths, err := pullsecret.Parse(text)
	if err != nil {
		at.Invalid(Hidden, "%v", err)
		return
	}
	for _, host := range slices.Sorted(maps.Keys(auths)) {
		if login := auths[host]; login.Auth == "" && login.CredsStore == "" {
			at.Invalid(Hidden, "the entry for %q has neither auth nor credsStore", host)
		}
	}
	if _, _, err := pullsecret.Repair(text); err != nil {
		at.Invalid(Hidden, "%v", err)
	}
}

// fipsKeys are the types of SSH keys that FIPS 140 allows.
var fipsKeys = regexp.MustCompile(`^(ssh-rsa|ecdsa-sha2-nistp[0-9]{3})$`)

// SSHKeys checks lines as in authorized_keys. With FIPS not every kind of key is
// allowed.
func SSHKeys(at report.Field, text string, fips bool) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		switch {
		case strings.Contains(line, "PRIVATE KEY"):
			at.Invalid(Hidden, "this is a private key; write the public one, from the file that ends in .pub")
			return
		case err != nil:
			at.Invalid(keyType(line), "must be a public key as in authorized_keys, like ssh-ed25519 AAAA...")
			return
		case fips && !fipsKeys.MatchString(key.Type()):
			at.Invalid(key.Type(), "FIPS allows RSA and ECDSA keys only")
		}
	}
}

// keyType is what may be shown of something that should be a public key.
func keyType(line string) string {
	first, _, _ := strings.Cut(line, " ")
	if strings.HasPrefix(first, "ssh-") || strings.HasPrefix(first, "ecdsa-") || strings.HasPrefix(first, "sk-") {
		return first
	}
	return Hidden
}

// Certificates checks that a field holds certificates in PEM and nothing
// else.
func Certificates(at report.Field, text string) {
	rest := []byte(strings.TrimSpace(text))
	for n := 1; len(rest) > 0; n++ {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			at.Invalid("...", "block %d is not PEM", n)
			return
		}
		if _, err := x509.ParseCertificate(block.Bytes); block.Type != "CERTIFICATE" || err != nil {
			at.Invalid("...", "block %d is not a certificate", n)
		}
		rest = []byte(strings.TrimSpace(string(rest)))
	}
}
