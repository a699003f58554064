package ign

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_5/types"
)

func TestNegotiate(t *testing.T) {
	const m = "application/vnd.coreos.ignition+json;version="
	for _, c := range []struct{ accept, want string }{
		{"", "2.2.0"},
		{"*/*", "2.2.0"},
		{"application/json", "2.2.0"},
		{m + "2.2.0", "2.2.0"},
		{m + "2.4.0", "2.2.0"},
		{m + "3.0.0", "2.2.0"},
		{m + "3.1.0", "3.1.0"},
		{m + "3.1.0, */*;q=0.1", "3.1.0"},
		{m + "3.2.0", "3.2.0"},
		{m + "3.3.0", "3.3.0"},
		{m + "3.4.0", "3.4.0"},
		{m + "3.5.0", "3.5.0"},
		{"*/*;q=0.1, " + m + "3.4.0", "3.4.0"},
		{m + "3.6.0", ""},
		{m + "3.6.0-experimental", ""},
		{m + "4.0.0", ""},
		{m + "three", "2.2.0"},
		{"application/vnd.coreos.ignition+json", "2.2.0"},
	} {
		got, err := Negotiate(c.accept)
		switch {
		case c.want == "" && !errors.Is(err, ErrTooNew):
			t.Errorf("Negotiate(%q) = %s, %v; want ErrTooNew", c.accept, got, err)
		case c.want != "" && (err != nil || got.String() != c.want):
			t.Errorf("Negotiate(%q) = %s, %v; want %s", c.accept, got, err, c.want)
		}
	}
}

func FuzzNegotiate(f *testing.F) {
	f.Add("application/vnd.coreos.ignition+json;version=3.4.0, */*;q=0.1")
	f.Add(",;=")
	f.Fuzz(func(t *testing.T, accept string) {
		v, err := Negotiate(accept)
		if err == nil && v != Legacy && (v.Major != 3 || v.Minor < 1 || v.Minor > Newest.Minor) {
			t.Errorf("Negotiate(%q) = %s, which nobody can write", accept, v)
		}
	})
}

func sample() Config {
	c := New()
	AddFile(&c, "/etc/motd", 0o644, []byte("hello\n"))
	AddUnit(&c, "a.service", "[Service]\nExecStart=/bin/true\n")
	AddDropin(&c, "b.service", "10-x.conf", "[Service]\nNice=1\n")
	c.Passwd.Users = []types.PasswdUser{{Name: "core", SSHAuthorizedKeys: []types.SSHAuthorizedKey{"ssh-ed25519 AAAA"}}}
	return c
}

func TestServeEverySpec(t *testing.T) {
	for _, v := range []Version{{2, 2}, {3, 1}, {3, 2}, {3, 3}, {3, 4}, {3, 5}} {
		raw, err := Serve(sample(), v)
		if err != nil {
			t.Fatalf("serve %s: %v", v, err)
		}
		var head struct {
			Ignition struct{ Version string }
			Storage  struct {
				Files []struct{ Filesystem, Path string }
			}
		}
		if err := json.Unmarshal(raw, &head); err != nil {
			t.Fatal(err)
		}
		if head.Ignition.Version != v.String() {
			t.Errorf("version = %q, want %s", head.Ignition.Version, v)
		}
		if want := map[bool]string{true: "root"}[v == Legacy]; head.Storage.Files[0].Filesystem != want {
			t.Errorf("spec %s: filesystem = %q, want %q", v, head.Storage.Files[0].Filesystem, want)
		}
		if strings.Contains(string(raw), "{}") {
			t.Errorf("spec %s has empty objects: %s", v, raw)
		}
	}
}

// TestLegacyAppends: spec 2.2 has an entry per piece of a file.
func TestLegacyAppends(t *testing.T) {
	c := sample()
	c.Storage.Files[0].Append = []types.Resource{{Source: ptr("data:,more")}}
	raw, err := Serve(c, Legacy)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Storage struct {
			Files []struct {
				Path      string
				Append    bool
				Overwrite *bool
				Contents  struct{ Source string }
			}
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	f := got.Storage.Files
	if len(f) != 2 || f[0].Append || f[0].Overwrite == nil || !*f[0].Overwrite || !f[1].Append ||
		f[1].Overwrite != nil ||
		f[1].Path != "/etc/motd" || f[1].Contents.Source != "data:,more" {
		t.Errorf("%s", raw)
	}
}

func TestServeRefusesWhatASpecLacks(t *testing.T) {
	kargs := sample()
	kargs.KernelArguments.ShouldExist = []types.KernelArgument{"debug"}
	luks := sample()
	luks.Storage.Luks = []types.Luks{{Name: "x", Device: ptr("/dev/sda")}}
	for _, c := range []struct {
		name string
		cfg  Config
		v    Version
		ok   bool
	}{
		{"kernel arguments in 3.3", kargs, Version{3, 3}, true},
		{"kernel arguments in 3.2", kargs, Version{3, 2}, false},
		{"kernel arguments in 2.2", kargs, Legacy, false},
		{"luks in 3.2", luks, Version{3, 2}, true},
		{"luks in 3.1", luks, Version{3, 1}, false},
		{"luks in 2.2", luks, Legacy, false},
	} {
		if _, err := Serve(c.cfg, c.v); (err == nil) != c.ok {
			t.Errorf("%s: err = %v, want ok %v", c.name, err, c.ok)
		}
	}
}

func TestParse(t *testing.T) {
	relative := `{"ignition":{"version":"3.2.0"},"storage":{"files":[{"path":"relative"}]}}`
	if _, err := Parse([]byte(relative)); err == nil {
		t.Error("a relative path passed")
	}
	c, err := Parse([]byte(`{"ignition":{"version":"3.2.0"},` +
		`"systemd":{"units":[{"name":"x.service","enabled":true}]}}`))
	if err != nil || c.Ignition.Version != "3.5.0" || len(c.Systemd.Units) != 1 {
		t.Errorf("Parse = %+v, %v", c, err)
	}
}

func ptr[T any](v T) *T { return &v }
