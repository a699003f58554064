package mco

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vincent-petithory/dataurl"

	"github.com/okd-install/okd-install/pkg/lab/release/mco/ign"
)

// script writes a script of the masters' config to a file.
func script(t *testing.T, path string) string {
	t.Helper()
	dir, _ := bootstrapDir(t)
	cfg, err := ign.Parse(machineConfig(t, glob(t,
		filepath.Join(dir, "machine-configs", "rendered-master-*.yaml"))[0]).Spec.Config.Raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range cfg.Storage.Files {
		if f.Path == path {
			d, err := dataurl.DecodeString(*f.Contents.Source)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), filepath.Base(path))
			if err := os.WriteFile(file, d.Data, 0o700); err != nil {
				t.Fatal(err)
			}
			return file
		}
	}
	t.Fatalf("the masters' config has no file %s", path)
	return ""
}

func TestScriptsPassShellcheck(t *testing.T) {
	for _, path := range []string{"/usr/local/bin/nodeip-configuration",
		"/etc/NetworkManager/dispatcher.d/30-resolv-prepender"} {
		if out, err := exec.Command("shellcheck", script(t, path)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
}

// TestNodeScripts runs both scripts with a stand-in for ip and with /run and
// /etc moved below a directory of the test's.
func TestNodeScripts(t *testing.T) {
	for _, c := range []struct {
		name, addresses, env, resolvConf string
		ip, want                         string
	}{
		{
			"plain", "2: host0    inet 198.18.0.101/24 brd 198.18.0.255 scope global dynamic host0",
			"IP4_NAMESERVERS=198.18.0.1", "",
			"198.18.0.101", "search demo.okd.test\nnameserver 198.18.0.101\nnameserver 198.18.0.1\n",
		},
		{
			"the machine holds the VIP",
			"2: host0    inet 198.18.0.10/32 scope global host0\n" +
				"2: host0    inet 198.18.0.102/24 scope global secondary host0",
			"IP4_NAMESERVERS=", "nameserver 198.18.0.102\nnameserver 198.18.0.1\n",
			"198.18.0.102", "search demo.okd.test\nnameserver 198.18.0.102\nnameserver 198.18.0.1\n",
		},
		{
			"another network first",
			"2: eth0    inet 198.18.7.5/24 scope global eth0\n3: eth1    inet 198.18.0.103/25 scope global eth1",
			"DHCP4_DOMAIN_NAME_SERVERS=198.18.0.1 198.18.0.2", "",
			"198.18.0.103", "search demo.okd.test\nnameserver 198.18.0.103\nnameserver 198.18.0.1\n" +
				"nameserver 198.18.0.2\n",
		},
		{"no address there", "2: eth0    inet 198.18.7.5/24 scope global eth0", "IP4_NAMESERVERS=198.18.0.1", "", "",
			""},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, filepath.Join(root, "resolv.conf"), []byte(c.resolvConf))
			fake := filepath.Join(root, "ip")
			if err := os.WriteFile(fake, []byte("#!/bin/sh\ncat <<'E'\n"+c.addresses+"\nE\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			nodeip := filepath.Join(root, "nodeip")
			for path, to := range map[string]string{
				"/usr/local/bin/nodeip-configuration":                  nodeip,
				"/etc/NetworkManager/dispatcher.d/30-resolv-prepender": filepath.Join(root, "prepender"),
			} {
				raw, err := os.ReadFile(script(t, path))
				if err != nil {
					t.Fatal(err)
				}
				text := strings.NewReplacer(
					"/usr/local/bin/nodeip-configuration 25", nodeip+" 1",
					"/run/", root+"/", "/etc/resolv.conf", root+"/resolv.conf",
				).Replace(string(raw))
				if err := os.WriteFile(to, []byte(text), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(filepath.Join(root, "prepender"), "host0", "up")
			cmd.Env = []string{"PATH=" + root + ":" + os.Getenv("PATH"), c.env}
			out, err := cmd.CombinedOutput()
			if (err == nil) != (c.ip != "") {
				t.Fatalf("err = %v: %s", err, out)
			}
			if c.ip == "" {
				return
			}
			env, err := os.ReadFile(filepath.Join(root, "nodeip-configuration/kubelet.env"))
			if err != nil || string(env) != "KUBELET_NODE_IP="+c.ip+"\n" {
				t.Errorf("kubelet.env = %q, %v; want %s", env, err, c.ip)
			}
			got, _ := os.ReadFile(filepath.Join(root, "resolv.conf"))
			if _, rest, _ := strings.Cut(string(got), "\n"); rest != c.want {
				t.Errorf("resolv.conf:\n%s\nwant:\n%s", rest, c.want)
			}
		})
	}
}
