package virtualization

import (
	"net/url"
	"strings"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/values"
)

func (b *Backup) check(k report.Field) {
	if b == nil {
		return
	}
	if b.URL == "" && b.Region == "" {
		k.Child("region").Required("the region of the bucket, like eu-central-1; for another S3 than Amazon's, set url")
	}
	if net := strings.Contains(b.Bucket, ".."); net {
		k.Child("bucket").Invalid(b.Bucket, "must not have two dots in a row")
	}
	checkTrust(k, b.URL, b.CACertificate, b.InsecureSkipVerify)
	c, at := b.Credentials, k.Child("credentials")
	var ways []string
	for _, w := range []struct {
		name string
		set  bool
	}{
		{"secretName", c.SecretName != ""}, {"file", c.File != ""},
		{"accessKeyID", c.AccessKeyID != "" || !c.SecretAccessKey.IsZero()},
	} {
		if w.set {
			ways = append(ways, w.name)
		}
	}
	switch {
	case len(ways) > 1:
		at.Child(ways[1]).Forbidden("there are two logins, %s; keep one", strings.Join(ways, " and "))
	case len(ways) == 1 && ways[0] == "accessKeyID":
		if c.AccessKeyID == "" {
			at.Child("accessKeyID").Required("the name of the key")
		}
		if c.SecretAccessKey.IsZero() {
			at.Child("secretAccessKey").Required("the key; a file with it is better off outside of this file, as file")
		}
	}
}

// checkTrust refuses settings of TLS that contradict each other.
func checkTrust(k report.Field, address, ca string, insecure bool) {
	plain := strings.HasPrefix(address, "http://")
	switch {
	case plain && ca != "":
		k.Child("caCertificate").Forbidden("url is without TLS")
	case plain && insecure:
		k.Child("insecureSkipVerify").Forbidden("url is without TLS")
	case ca != "" && insecure:
		k.Child("insecureSkipVerify").Forbidden("with caCertificate the server's certificate is checked; keep one of both")
	}
}

func (m *Migration) check(k report.Field) {
	if m == nil {
		return
	}
	m.Catalog.check(k.Child("catalog"))
	names := values.Unique{}
	for i := range m.Providers {
		p, at := &m.Providers[i], k.Child("providers").Index(i)
		names.Add(at.Child("name"), p.Name, p.Name)
		p.check(at)
	}
}

// apiPaths are where the APIs of providers are.
var apiPaths = map[string]string{OVirtProvider: "/ovirt-engine/api", VSphereProvider: "/sdk"}

func (p *Provider) check(k report.Field) {
	if u, err := url.Parse(p.URL); err == nil && u.Host != "" && !k.Child("type").Broken() {
		if want := apiPaths[p.Type]; want != "" && strings.TrimSuffix(u.Path, "/") != want {
			k.Child("url").Invalid(values.WithoutLogin(p.URL), "must end with %s", want)
		}
		if u.Scheme == "http" {
			k.Child("url").Invalid(values.WithoutLogin(p.URL), "must be an https URL, because it gets a password")
		}
	}
	if p.CACertificate == "" && !p.InsecureSkipVerify && p.Credentials.SecretName == "" {
		k.Child("caCertificate").Required("certificates of the authorities of the platform; insecureSkipVerify: true " +
			"accepts any certificate")
	}
	checkTrust(k, "", p.CACertificate, p.InsecureSkipVerify)
	if p.VDDKImage != "" && p.Type == OVirtProvider {
		k.Child("vddkImage").Forbidden("is for type %s", VSphereProvider)
	}
	c, at := p.Credentials, k.Child("credentials")
	own := c.Username != "" || !c.Password.IsZero() || c.PasswordFile != ""
	switch {
	case c.SecretName != "" && own:
		at.Child("secretName").Forbidden("the Secret has user and password; keep one of both")
	case c.SecretName != "" && p.CACertificate != "":
		k.Child("caCertificate").Forbidden("the Secret has the certificates, as cacert")
	case c.SecretName != "" || !own:
	case c.Username == "":
		at.Child("username").Required("the user, like admin@internal or administrator@vsphere.local")
	case !c.Password.IsZero() && c.PasswordFile != "":
		at.Child("passwordFile").Forbidden("there is a password, too; keep one of both")
	case c.Password.IsZero() && c.PasswordFile == "":
		at.Child("passwordFile").Required("a file with the password, or password")
	}
}
