package gather

import (
	"encoding/base64"
	"encoding/json"
	"regexp"

	"github.com/okd-install/okd-install/pkg/secret"
)

// cleaner removes secrets from text: those that the installer knows, and those that have a known form.
type cleaner struct{ known *secret.Redactor }

const hidden = "(hidden)"

// forms are patterns of secrets with what replaces them.
var forms = []struct {
	pattern *regexp.Regexp
	with    string
}{
	// Private keys, also with newlines written as \n.
	{regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|\z)`),
		"(hidden private key)"},
	// The same in base64, as Secrets hold it: BEGIN {RSA,EC,OPENSSH,} PRIVATE.
	{regexp.MustCompile(`LS0tLS1CRUdJTi(BSU0EgUFJJVkFURS|BFQyBQUklWQVRF|BPUEVOU1NIIFBSSVZBVE|BQUklWQVRF)` +
		`[A-Za-z0-9+/=]*`), "(hidden private key)"},
	// Logins of registries.
	{regexp.MustCompile(`("auth"\s*:\s*\\?")[^"\\]+`), "${1}" + hidden},
	{regexp.MustCompile(`(\\"auth\\"\s*:\s*\\")[^"\\]+`), "${1}" + hidden},
	// Tokens of service accounts and of users.
	{regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}`), "(hidden token)"},
	{regexp.MustCompile(`sha256~[A-Za-z0-9_-]{20,}`), "(hidden token)"},
	{regexp.MustCompile(`(?i)(authorization: *(bearer|basic) +)[^\s"']+`), "${1}" + hidden},
	{regexp.MustCompile(`(client-key-data: *|token: *|password: *)[^\s"'{(]{6,}`), "${1}" + hidden},
	// Passwords in URLs, as proxies have them.
	{regexp.MustCompile(`(://[^\s/:@"']+:)[^\s/@"']+@`), "${1}" + hidden + "@"},
	// Contents of files inside Ignition: pull secrets among them.
	{regexp.MustCompile(`data:[^,"\s]{0,80},[A-Za-z0-9+/=%._~-]{64,}`), "data:," + hidden},
}

func newCleaner(values []secret.String) *cleaner {
	all := values
	for _, v := range values {
		raw := []byte(v.Reveal())
		all = append(all[:len(all):len(all)], secret.New(base64.StdEncoding.EncodeToString(raw)))
		var file struct {
			Auths map[string]struct{ Auth string }
		}
		if json.Unmarshal(raw, &file) == nil {
			for _, login := range file.Auths {
				all = append(all, secret.New(login.Auth))
			}
		}
	}
	return &cleaner{known: secret.NewRedactor(all...)}
}

func (c *cleaner) bytes(content []byte) []byte {
	text := c.known.Clean(string(content))
	for _, f := range forms {
		text = f.pattern.ReplaceAllString(text, f.with)
	}
	return []byte(text)
}
