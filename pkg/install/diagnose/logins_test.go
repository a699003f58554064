package diagnose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/event"
	"github.com/okd-install/okd-install/pkg/gather"
	"github.com/okd-install/okd-install/pkg/install"
	"github.com/okd-install/okd-install/pkg/pki"
)

// Which keys are used to log in to which hosts.
func TestLogins(t *testing.T) {
	key := func(comment string) pki.SSHKey {
		made, err := pki.NewSSHKey(comment)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	made, users, other := key("made"), key("user@desk"), key("other")
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]string{"id_ed25519": string(other.PrivatePEM), "work": string(users.PrivatePEM),
		"id_rsa": "not a key"} {
		if err := os.WriteFile(filepath.Join(home, ".ssh", name), []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var said []string
	e := &install.Env{Sink: event.SinkFunc(func(e event.Event) { said = append(said, e.Message) }),
		Getenv: func(key string) string { return map[string]string{"HOME": home}[key] }}
	stored := pki.SSHKeys{User: made, Host: made}
	named := filepath.Join(home, ".ssh", "id_ed25519")
	tests := []struct {
		name            string
		keys            pki.SSHKeys
		sshKey          string
		files           []string
		host, masters   string // comments of the keys
		missing, failed string
	}{
		{"the installation's and the user's", stored, "# mine\n" + users.AuthorizedKey + "\n", nil, "made user@desk",
			"user@desk", "", ""},
		{"with one that the user names", stored, users.AuthorizedKey, []string{named}, "made other user@desk",
			"other user@desk", "", ""},
		{"no key is known", pki.SSHKeys{}, "", nil, "other", "other", "", ""},
		{"not there", stored, key("gone@desk").AuthorizedKey, nil, "made", "",
			"(gone@desk), the sshKey of install-config.yaml, was not found: looked in --key (none was given), the " +
				"SSH agent (none answers: SSH_AUTH_SOCK), " + home + "/.ssh (2 private keys)", ""},
		{"a missing file", stored, "", []string{filepath.Join(home, "none")}, "", "", "", "read SSH key: open " +
			home + "/none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var o gather.Options
			err := logins(t.Context(), e, &o, tt.keys, tt.sshKey, tt.files)
			if tt.failed != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.failed) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			comments := func(keys [][]byte) string {
				var out []string
				for _, pem := range keys {
					for _, k := range []pki.SSHKey{made, users, other} {
						if string(k.PrivatePEM) == string(pem) {
							out = append(out, strings.Fields(k.AuthorizedKey)[2])
						}
					}
				}
				return strings.Join(out, " ")
			}
			if host, masters := comments(o.SSH.Keys), comments(o.MasterSSH.Keys); host != tt.host ||
				masters != tt.masters {
				t.Errorf("keys for the bootstrap host %q, for the masters %q", host, masters)
			}
			if !strings.Contains(o.NoKey, tt.missing) || (o.NoKey == "") != (tt.missing == "") {
				t.Errorf("missing: %q", o.NoKey)
			}
			if o.SSH.HostKey != tt.keys.Host.AuthorizedKey || o.MasterSSH.HostKey != "" || o.SSH.Agent != nil {
				t.Errorf("%+v", o.SSH)
			}
			if err := o.SSH.Unknown("198.18.0.20:22", "SHA256:x"); err != nil ||
				!strings.Contains(strings.Join(said, "\n"), "198.18.0.20:22 (SHA256:x)") {
				t.Errorf("an unknown host: %v, messages %q", err, said)
			}
		})
	}
}
