package cli

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms"
	ovirtconfig "github.com/okd-install/okd-install/pkg/platforms/ovirt/config"
)

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0hCj3wRMWXWsnRjHbuPDWgi9dMLCq4Ywv2W6dcxEoY me@here"

// home makes the home directory of a user who has an SSH key and nothing else.
func home(t *testing.T) (dir string, env []string) {
	t.Helper()
	dir = t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, ".ssh"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, ".ssh", "id_ed25519.pub"), []byte(publicKey+"\n"), 0o600))
	return dir, []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Mode().Perm()
}

// TestWizardOnOvirt answers all questions at a terminal, for an engine that the program
// does not know yet.
func TestWizardOnOvirt(t *testing.T) {
	w, err := newWorld()
	if w != nil {
		t.Cleanup(w.stop)
	}
	must(t, err)
	dir, env := home(t)
	login := filepath.Join(dir, ".ovirt", "ovirt-config.yaml")
	pull := pullSecret("registry.example.org", registryPassword)
	const down = "\x1b[B"

	c := atTerminal(t, env, "create", "install-config", "--dir", filepath.Join(dir, "demo"))
	c.choose("SSH Public Key", "\r")
	c.choose("Platform", "\r")
	c.answer("Engine URL", "http://"+strings.TrimPrefix(w.engineURL, "https://"))
	c.expect("the password would be readable on the way")
	c.answer("Engine URL", strings.TrimPrefix(w.engineURL, "https://"))
	c.expect("SHA-256 fingerprint ")
	c.answer("Trust this certificate authority", "y")
	c.answer("Engine Username", "")
	c.answer("Engine Password", "not-the-password")
	c.expect("login refused")
	c.answer("Engine Username", "admin@internal")
	c.answer("Engine Password", enginePassword)
	c.answer("Save the engine login to "+login, "")
	c.choose("Cluster", "\r")
	c.choose("Storage Domain", down+"\r")
	c.choose("Network", "\r")
	c.answer("Machine Network", "198.51.100.0/24")
	c.answer("API Virtual IP Address", "10.0.0.5")
	c.expect("is in none of networking.machineNetwork")
	c.answer("API Virtual IP Address", "198.51.100.10")
	c.answer("Ingress Virtual IP Address", "198.51.100.11")
	c.answer("Base Domain", "example.org")
	c.answer("Cluster Name", "Demo")
	c.expect("must be a DNS name")
	c.answer("Cluster Name", "demo")
	c.answer("Pull Secret", pull)
	c.expect("Install-Config created in: ")
	c.end(0)

	path := filepath.Join(dir, "demo", "install-config.yaml")
	data, err := os.ReadFile(path)
	must(t, err)
	cfg, findings := platforms.All().Load(path, data)
	must(t, findings.Err())
	p := ovirtconfig.Of(cfg)
	if p == nil || p.StorageDomainID != w.engine.IDs().Domains["data2"] || p.NetworkName != "ovirtmgmt" ||
		cfg.SSHKey != publicKey || cfg.PullSecret.Reveal() != pull || cfg.ClusterDomain() != "demo.example.org" {
		t.Errorf("the install-config is\n%s", data)
	}
	kept, err := os.ReadFile(login)
	must(t, err)
	if !strings.Contains(string(kept), enginePassword) || !strings.Contains(string(kept), "BEGIN CERTIFICATE") ||
		strings.Contains(string(kept), "insecure") {
		t.Errorf("the saved login is\n%s", kept)
	}
	if mode(t, path) != 0o600 || mode(t, login) != 0o600 || mode(t, filepath.Dir(login)) != 0o700 {
		t.Errorf("modes %v, %v, %v", mode(t, path), mode(t, login), mode(t, filepath.Dir(login)))
	}
	log, err := os.ReadFile(filepath.Join(dir, "demo", ".openshift_install.log"))
	must(t, err)
	for _, s := range []string{enginePassword, registryPassword, "not-the-password"} {
		if strings.Contains(string(log), s) || strings.Contains(c.text(), s) {
			t.Errorf("%q can be read in the log or on the screen", s)
		}
	}

	// If there is an install-config, nothing is asked.
	c = atTerminal(t, env, "create", "install-config", "--dir", filepath.Join(dir, "demo"))
	c.expect("Install-Config created in: ")
	c.end(0)
	if again, err := os.ReadFile(path); err != nil || string(again) != string(data) {
		t.Errorf("the file was changed: %v\n%s", err, again)
	}
}

// TestWizardInterrupted checks that an interrupted wizard writes nothing, and that the
// terminal works afterwards.
func TestWizardInterrupted(t *testing.T) {
	leave := map[string]func(c *console){
		"Ctrl-C":           func(c *console) { c.press("Cluster Name", "dem\x03") },
		"Ctrl-C at a list": func(c *console) { c.choose("SSH Public Key", "\x03") },
		"SIGTERM": func(c *console) {
			c.expect("? Pull Secret")
			must(c.t, c.cmd.Process.Signal(syscall.SIGTERM))
		},
	}
	for name, end := range leave {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, env := home(t)
			target := filepath.Join(dir, "demo")
			c := atTerminal(t, env, "create", "manifests", "--dir", target)
			if name != "Ctrl-C at a list" {
				c.choose("SSH Public Key", "\r")
				c.choose("Platform", "none\r")
				c.answer("Base Domain", "example.org")
			}
			if name == "SIGTERM" {
				c.answer("Cluster Name", "demo")
			}
			end(c)
			c.expect("interrupted")
			c.end(8)
			left, err := os.ReadDir(target)
			must(t, err)
			for _, e := range left {
				if e.Name() != ".openshift_install.log" && !strings.Contains(e.Name(), "lock") {
					t.Errorf("%s was written", e.Name())
				}
			}
			if _, err := os.Stat(filepath.Join(dir, ".ovirt")); err == nil {
				t.Error("a login was written")
			}
		})
	}
}

// TestWizardNeedsATerminal checks that nothing is asked if stdin is a pipe.
func TestWizardNeedsATerminal(t *testing.T) {
	dir, env := home(t)
	cmd := exec.Command(program, "create", "cluster", "--dir", filepath.Join(dir, "demo"))
	cmd.Env, cmd.Stdin = env, strings.NewReader("\r\r\r")
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); err == nil || code != 1 || strings.Contains(string(out), "SSH Public Key") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	// JSON output is for programs, even at a terminal.
	c := atTerminal(t, env, "create", "manifests", "--log-format", "json", "--dir", filepath.Join(dir, "demo"))
	c.expect(`"level":"fatal"`)
	c.end(1)
}
