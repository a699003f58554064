package ovirt

import (
	"strings"
	"testing"
)

func TestParseConfig(t *testing.T) {
	const good = "ovirt_url: https://e/ovirt-engine/api/\novirt_username: admin@internal\novirt_password: hunter2secret\n"
	c, err := ParseConfig([]byte(good + "ovirt_ca_bundle: |\n  PEM\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.URL != "https://e/ovirt-engine/api" || c.Password.Reveal() != "hunter2secret" || c.CABundle != "PEM\n" {
		t.Errorf("got %+v", c)
	}
	data, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseConfig(data); err != nil || again != c {
		t.Errorf("written and read again: %+v %v", again, err)
	}
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", "ovirt_url, ovirt_username, ovirt_password missing"},
		{"misspelt", good + "ovirt_user: x\n", "ovirt_user not found"},
		{"no TLS", strings.Replace(good, "https", "http", 1), "must start with https://"},
		{"no profile", strings.Replace(good, "admin@internal", "admin", 1), "user@profile"},
		{"not YAML", "ovirt_password: [hunter2secret", "not valid YAML"},
		{"wrong type", "ovirt_insecure: hunter2secret\n", "wrong type"},
	} {
		_, err := ParseConfig([]byte(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the password: %v", c.name, err)
		}
	}
}

func TestConfigPath(t *testing.T) {
	env := map[string]string{"HOME": "/h"}
	get := func(k string) string { return env[k] }
	if got := ConfigPath(get); got != "/h/.ovirt/ovirt-config.yaml" {
		t.Error(got)
	}
	env["OVIRT_CONFIG"] = "/x.yaml"
	if got := ConfigPath(get); got != "/x.yaml" {
		t.Error(got)
	}
	if _, err := LoadConfig("/no/such/file"); err == nil || !strings.Contains(err.Error(), "OVIRT_CONFIG") {
		t.Error(err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("ovirt_url: https://e\novirt_username: a@b\novirt_password: c\n"))
	f.Add([]byte("ovirt_password: [x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err == nil && (c.URL == "" || c.Password.IsZero()) {
			t.Errorf("accepted %q", data)
		}
	})
}
