package ignite_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/util"
	"github.com/coreos/ignition/v2/config/v3_5/types"
	"github.com/vincent-petithory/dataurl"

	"github.com/okd-install/okd-install/pkg/agent/ignite"
)

// host is a root directory, and what was run on it.
type host struct {
	t    *testing.T
	root string
	ran  []string
	fail string
}

func newHost(t *testing.T) *host {
	h := &host{t: t, root: t.TempDir()}
	h.write("/etc/passwd", fmt.Sprintf("root:x:%d:%d:root:/root:/bin/bash\ncore:x:%d:%d::/home/core:/bin/bash\n",
		os.Getuid(), os.Getgid(), os.Getuid(), os.Getgid()))
	h.write("/usr/lib/group", fmt.Sprintf("etcd:x:%d:\n", os.Getgid()))
	h.write("/home/core/.profile", "")
	return h
}

func (h *host) write(name, content string) {
	h.t.Helper()
	at := filepath.Join(h.root, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) run(_ context.Context, stdin, name string, args ...string) error {
	line := strings.TrimSpace(name + " " + strings.Join(args, " ") + " " + strings.TrimSpace(stdin))
	h.ran = append(h.ran, line)
	if h.fail != "" && strings.HasPrefix(line, h.fail) {
		return errors.New("exit status 1")
	}
	return nil
}

// tree is everything below the root: modes and contents.
func (h *host) tree() map[string]string {
	out := map[string]string{}
	err := filepath.WalkDir(h.root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(name, h.root)
		out[rel] = info.Mode().String()
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			out[rel] = "-> " + target
			return err
		case info.Mode().IsRegular():
			content, err := os.ReadFile(name)
			out[rel] += " " + string(content)
			return err
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func source(content string) types.Resource {
	return types.Resource{Source: util.StrToPtr(dataurl.EncodeBytes([]byte(content)))}
}

func packed(content string) types.Resource {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(content))
	_ = w.Close()
	sum := sha512.Sum512([]byte(content))
	return types.Resource{
		Source: util.StrToPtr(dataurl.EncodeBytes(b.Bytes())), Compression: util.StrToPtr("gzip"),
		Verification: types.Verification{Hash: util.StrToPtr("sha512-" + hex.EncodeToString(sum[:]))},
	}
}

func node(path string) types.Node { return types.Node{Path: path, Overwrite: util.BoolToPtr(true)} }

func file(path, content string, mode int) types.File {
	return types.File{Node: node(path), FileEmbedded1: types.FileEmbedded1{
		Contents: source(content), Mode: util.IntToPtr(mode),
	}}
}

func whole() types.Config {
	var c types.Config
	c.Ignition.Version = "3.5.0"
	owned := file("/opt/openshift/secret", "s", 0o600)
	owned.User.Name, owned.Group.Name = util.StrToPtr("core"), util.StrToPtr("etcd")
	unpacked := file("/opt/openshift/big", "", 0o644)
	unpacked.Contents = packed("big")
	appended := types.File{Node: types.Node{Path: "/etc/hosts"}, FileEmbedded1: types.FileEmbedded1{
		Append: []types.Resource{source("192.0.2.1 api\n"), packed("192.0.2.2 other\n")},
	}}
	c.Storage.Files = []types.File{
		owned, unpacked, appended, file("/etc/hostname", "bootstrap", 0o644),
		file("/usr/local/bin/x.sh", "#!/bin/sh\n", 0o755),
		file("/etc/NetworkManager/system-connections/eth0.nmconnection", "[connection]", 0o600),
		file("/opt/disk", "a question", 0o640),
	}
	c.Storage.Directories = []types.Directory{{
		Node: node("/var/lib/etcd"), DirectoryEmbedded1: types.DirectoryEmbedded1{Mode: util.IntToPtr(0o1700)},
	}}
	c.Storage.Links = []types.Link{{Node: node("/etc/link"), LinkEmbedded1: types.LinkEmbedded1{
		Target: util.StrToPtr("/opt/openshift/big"),
	}}}
	c.Systemd.Units = []types.Unit{
		{Name: "a.service", Enabled: util.BoolToPtr(true), Contents: util.StrToPtr("[Service]\nExecStart=/bin/true\n"),
			Dropins: []types.Dropin{{Name: "10-x.conf", Contents: util.StrToPtr("[Service]\nUser=core\n")}}},
		{Name: "b.service", Mask: util.BoolToPtr(true)},
		{Name: "c.service", Enabled: util.BoolToPtr(false)},
	}
	c.Passwd.Users = []types.PasswdUser{{
		Name: "core", PasswordHash: util.StrToPtr("$6$salt$hash"),
		SSHAuthorizedKeys: []types.SSHAuthorizedKey{"ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"},
	}}
	return c
}

func (h *host) prepare(c types.Config) (*ignite.Plan, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		h.t.Fatal(err)
	}
	return ignite.Prepare(raw, ignite.Options{
		Root: h.root, Run: h.run, Keep: []string{"/etc/hostname", "/etc/NetworkManager/system-connections/"},
		Replace: map[string][]byte{"/opt/disk": []byte("/dev/vda\n"), "/opt/new": []byte("new")},
	})
}

func TestApply(t *testing.T) {
	h := newHost(t)
	h.write("/etc/hosts", "127.0.0.1 localhost\n")
	h.write("/etc/hostname", "mine")
	h.write("/etc/link", "in the way")
	h.write("/home/core/.ssh/authorized_keys", "ssh-ed25519 AAAA one")
	plan, err := h.prepare(whole())
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := h.tree()
	for name, want := range map[string]string{
		"/opt/openshift/secret":         "-rw------- s",
		"/opt/openshift/big":            "-rw-r--r-- big",
		"/etc/hosts":                    "-rw-r--r-- 127.0.0.1 localhost\n192.0.2.1 api\n192.0.2.2 other\n",
		"/etc/hostname":                 "-rw-r--r-- mine",
		"/etc/link":                     "-> /opt/openshift/big",
		"/usr/local/bin/x.sh":           "-rwxr-xr-x #!/bin/sh\n",
		"/var/lib/etcd":                 "dtrwx------",
		"/opt/disk":                     "-rw-r----- /dev/vda\n",
		"/opt/new":                      "-rw-r--r-- new",
		"/etc/systemd/system/a.service": "-rw-r--r-- [Service]\nExecStart=/bin/true\n",
		"/etc/systemd/system/a.service.d/10-x.conf": "-rw-r--r-- [Service]\nUser=core\n",
		"/etc/systemd/system/b.service":             "-> /dev/null",
		"/home/core/.ssh/authorized_keys":           "-rw------- ssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n",
		"/etc/NetworkManager/system-connections":    "",
	} {
		if first[name] != want {
			t.Errorf("%s is %q, want %q", name, first[name], want)
		}
	}
	wantRan := "chpasswd -e core:$6$salt$hash; systemctl daemon-reload; systemctl enable -- a.service; " +
		"systemctl disable -- c.service"
	if ran := strings.Join(h.ran, "; "); ran != wantRan {
		t.Errorf("ran %s\nwant %s", ran, wantRan)
	}
	if enabled := plan.Enabled(); len(enabled) != 1 || enabled[0] != "a.service" {
		t.Errorf("enabled %q", enabled)
	}
	// Again: nothing changes.
	if plan, err = h.prepare(whole()); err == nil {
		err = plan.Apply(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	second := h.tree()
	for name := range second {
		if second[name] != first[name] {
			t.Errorf("%s was %q and is %q", name, first[name], second[name])
		}
	}
	if len(first) != len(second) {
		t.Errorf("%d files, then %d", len(first), len(second))
	}
}

func TestCoreOS(t *testing.T) {
	h := newHost(t)
	h.write("/sys/fs/selinux/enforce", "1")
	if err := os.MkdirAll(filepath.Join(h.root, "/home/core/.ssh/authorized_keys.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	plan, err := h.prepare(whole())
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.tree()["/home/core/.ssh/authorized_keys.d/ignition"]; !strings.Contains(got, "BBBB two") {
		t.Errorf("keys %q", got)
	}
	labels := ""
	for _, line := range h.ran {
		if strings.HasPrefix(line, "restorecon ") {
			labels += line + " "
		}
	}
	for _, path := range []string{"/opt/openshift/big", "/opt/openshift", "/var/lib/etcd", "/etc/link",
		"/etc/systemd/system/a.service", "/home/core/.ssh/authorized_keys.d/ignition"} {
		if !strings.Contains(labels, " "+path+" ") {
			t.Errorf("no label for %s in %s", path, labels)
		}
	}
	h.fail = "restorecon"
	if err := plan.Apply(t.Context()); err == nil || !strings.Contains(err.Error(), "SELinux") {
		t.Errorf("error %v", err)
	}
}

// TestRefuse: what cannot be done is refused by name, and nothing has changed then.
func TestRefuse(t *testing.T) {
	url := util.StrToPtr("https://example.org/x")
	tests := map[string]func(*types.Config){
		"storage.disks":           func(c *types.Config) { c.Storage.Disks = []types.Disk{{Device: "/dev/sda"}} },
		"storage.raid":            func(c *types.Config) { raid(c) },
		"storage.filesystems":     func(c *types.Config) { filesystem(c) },
		"ignition.config.merge":   func(c *types.Config) { c.Ignition.Config.Merge = []types.Resource{{Source: url}} },
		"ignition.config.replace": func(c *types.Config) { c.Ignition.Config.Replace.Source = url },
		"kernelArguments":         func(c *types.Config) { c.KernelArguments.ShouldExist = []types.KernelArgument{"quiet"} },
		"passwd.groups":           func(c *types.Config) { c.Passwd.Groups = []types.PasswdGroup{{Name: "g"}} },
		"user core with more":     func(c *types.Config) { c.Passwd.Users[0].Shell = util.StrToPtr("/bin/zsh") },
		"there is no user ada":    func(c *types.Config) { c.Passwd.Users[0].Name = "ada" },
		"/opt/disk: there is no group wheel": func(c *types.Config) {
			c.Storage.Files[6].Group.Name = util.StrToPtr("wheel")
		},
		"the source of file /opt/openshift/big": func(c *types.Config) {
			c.Storage.Files[1].Contents = types.Resource{Source: url}
		},
		"/opt/openshift/big: the contents do not have the hash": func(c *types.Config) {
			c.Storage.Files[1].Contents.Verification = packed("other").Verification
		},
		"/opt/openshift/big: unpack": func(c *types.Config) {
			c.Storage.Files[1].Contents.Source = source("x").Source
		},
		"/etc/there: it is there with other contents": func(c *types.Config) { there(c) },
		"/home/core: a directory is there":            func(c *types.Config) { c.Storage.Files[0].Path = "/home/core" },
		"version":                                     func(c *types.Config) { c.Ignition.Version = "4.0.0" },
	}
	for want, change := range tests {
		h := newHost(t)
		h.write("/etc/there", "something")
		c := whole()
		change(&c)
		before := len(h.tree())
		_, err := h.prepare(c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
		if len(h.tree()) != before || len(h.ran) > 0 {
			t.Errorf("%s: something was changed", want)
		}
	}
}

func raid(c *types.Config) {
	c.Storage.Raid = []types.Raid{{Name: "r", Level: util.StrToPtr("raid1"), Devices: []types.Device{"/dev/a", "/dev/b"}}}
}

func filesystem(c *types.Config) {
	c.Storage.Filesystems = []types.Filesystem{{Device: "/dev/sda", Format: util.StrToPtr("xfs")}}
}

func there(c *types.Config) {
	f := file("/etc/there", "other", 0o644)
	f.Overwrite = util.BoolToPtr(false)
	c.Storage.Files = append(c.Storage.Files, f)
}

func TestStepFails(t *testing.T) {
	for _, step := range []string{"chpasswd", "systemctl daemon-reload", "systemctl enable"} {
		h := newHost(t)
		h.fail = step
		plan, err := h.prepare(whole())
		if err != nil {
			t.Fatal(err)
		}
		err = plan.Apply(t.Context())
		if err == nil || strings.Contains(err.Error(), "$6$") {
			t.Errorf("%s: error %v", step, err)
		}
	}
}

func FuzzPrepare(f *testing.F) {
	raw, err := json.Marshal(whole())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"ignition":{"version":"3.2.0"},"systemd":{"units":[{"name":"a.service","mask":true}]}}`))
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if plan, err := ignite.Prepare(raw, ignite.Options{Root: root}); err == nil {
			_ = plan.Enabled()
		}
	})
}
