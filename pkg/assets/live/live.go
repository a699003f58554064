// Package live makes the Ignition config of the live system that the hosts of an agent-based
// installation boot. It is pure: the same inputs give the same bytes.
package live

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	ign "github.com/coreos/ignition/v2/config/v3_2/types"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// Inputs are what the config is made of.
type Inputs struct {
	// Agent is what the node agent is told. Its NTPSources are those of chrony as well.
	Agent agent.Config
	// Configs are the Ignition configs of the hosts' next lives, by their names in agent.Dir.
	Configs map[string][]byte
	// Keyfiles are the network profiles of hosts, in directories.
	Keyfiles []keyfile.File
	// Registries is a registries.conf, so that images are found in mirrors.
	Registries []byte
	// Bundle is the certificates of authorities that the live system trusts, in PEM.
	Bundle     string
	PullSecret secret.String
	Proxy      *types.Proxy
	SSHKeys    []string // of user core
}

// Where the live system looks for its own settings.
const (
	registriesConf = "/etc/containers/registries.conf.d/99-okd-agent.conf"
	dockerConfig   = "/root/.docker/config.json"
	trustAnchor    = "/etc/pki/ca-trust/source/anchors/okd-agent.crt"
	chronyConf     = "/etc/chrony.conf"
	releaseFile    = agent.Dir + "/release-image"
	proxyConf      = "/etc/systemd/system.conf.d/10-default-env.conf"
	profileProxy   = "/etc/profile.d/proxy.sh"
)

// File is a file of the live system.
type File struct {
	Path string // absolute
	Mode fs.FileMode
	Data []byte
}

// Ignition renders the config. It sets no hostname: the node agent does that, by host.
func Ignition(in Inputs) ([]byte, error) {
	own, err := in.own()
	if err != nil {
		return nil, fmt.Errorf("render the live system: %w", err)
	}
	return in.render(append(own, in.common()...), nil)
}

// Unconfigured renders the config of a live system that belongs to no cluster yet: it waits for
// a medium with Configuration.
func Unconfigured(in Inputs) ([]byte, error) {
	return in.render(in.common(), []string{"config"})
}

// Configuration is what makes a live system that has none one of a cluster.
func Configuration(in Inputs) ([]File, error) {
	own, err := in.own()
	if err != nil {
		return nil, fmt.Errorf("render the configuration: %w", err)
	}
	return sorted(append(own, in.common()...)), nil
}

// Wiping renders the config of a live system that wipes disks and switches its host off. It is of no cluster, and needs
// no network.
func Wiping(w agent.Wipe) ([]byte, error) {
	what, err := w.Encode()
	if err != nil {
		return nil, fmt.Errorf("render the live system: %w", err)
	}
	var c ign.Config
	c.Ignition.Version = ignition.Version
	c.Storage.Files = []ign.File{ignition.File(agent.WipeFile, 0o600, what)}
	if c.Systemd.Units, err = unitsIn("wipe"); err != nil {
		return nil, fmt.Errorf("render the live system: %w", err)
	}
	yes := true
	for _, name := range loginsReplaced { // what the wipe says stays on the screen
		c.Systemd.Units = append(c.Systemd.Units, ign.Unit{Name: name, Mask: &yes})
	}
	return ignition.Encode(c)
}

func (in Inputs) render(list []File, moreUnits []string) ([]byte, error) {
	var c ign.Config
	c.Ignition.Version = ignition.Version
	user := ign.PasswdUser{Name: "core"}
	for _, key := range in.SSHKeys {
		user.SSHAuthorizedKeys = append(user.SSHAuthorizedKeys, ign.SSHAuthorizedKey(key))
	}
	c.Passwd.Users = []ign.PasswdUser{user}
	for _, f := range sorted(list) {
		file := ignition.File(f.Path, int(f.Mode), f.Data)
		if strings.HasSuffix(f.Path, ".ign") {
			var err error
			if file, err = packed(f); err != nil {
				return nil, fmt.Errorf("render the live system: %w", err)
			}
		}
		c.Storage.Files = append(c.Storage.Files, file)
	}
	var err error
	if c.Systemd.Units, err = units(append(moreUnits, "units")); err != nil {
		return nil, fmt.Errorf("render the live system: %w", err)
	}
	raw, err := ignition.Encode(c)
	if err != nil {
		return nil, fmt.Errorf("render the live system: %w", err)
	}
	return raw, nil
}

func sorted(list []File) []File {
	slices.SortFunc(list, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return list
}

// own are the files that make a host one of the cluster.
func (in Inputs) own() ([]File, error) {
	config, err := in.Agent.Encode()
	if err != nil {
		return nil, err
	}
	out := []File{{agent.ConfigFile, 0o600, config}}
	for name, config := range in.Configs {
		out = append(out, File{path.Join(agent.Dir, name), 0o600, config})
	}
	for _, f := range in.Keyfiles {
		out = append(out, File{path.Join(agent.NetworkDir, f.Name), keyfile.Mode, f.Data})
	}
	if servers := in.Agent.NTPSources; len(servers) > 0 {
		out = append(out, File{chronyConf, 0o644, chrony(servers)})
	}
	return out, nil
}

// common are the files that a live system needs to get at images.
func (in Inputs) common() []File {
	out := []File{
		{releaseFile, 0o644, []byte(in.Agent.ReleaseImage + "\n")},
		{registriesConf, 0o644, in.Registries},
		{dockerConfig, 0o600, []byte(in.PullSecret.Reveal())},
	}
	if bundle := strings.TrimSpace(in.Bundle); bundle != "" {
		out = append(out, File{trustAnchor, 0o644, []byte(bundle + "\n")})
	}
	if in.Proxy != nil {
		profile, units := proxy(in.Proxy)
		out = append(out, File{profileProxy, 0o600, profile}, File{proxyConf, 0o600, units})
	}
	return out
}

// packed is a file that is compressed in the config. Ignition configs in a config would
// otherwise be encoded twice.
func packed(f File) (ign.File, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(f.Data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return ign.File{}, fmt.Errorf("compress %s: %w", f.Path, err)
	}
	file, kind := ignition.File(f.Path, int(f.Mode), out.Bytes()), "gzip"
	file.Contents.Compression = &kind
	return file, nil
}

// chrony keeps the servers that DHCP names.
func chrony(servers []string) []byte {
	var b bytes.Buffer
	for _, s := range servers {
		fmt.Fprintf(&b, "server %s iburst\n", s)
	}
	b.WriteString("sourcedir /run/chrony-dhcp\ndriftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\n" +
		"logdir /var/log/chrony\n")
	return b.Bytes()
}

// proxy sets the proxy of logins and of services.
func proxy(p *types.Proxy) (profile, units []byte) {
	var shell, conf bytes.Buffer
	conf.WriteString("[Manager]\n")
	for _, v := range []struct{ name, value string }{
		{"HTTP_PROXY", p.HTTPProxy}, {"HTTPS_PROXY", p.HTTPSProxy}, {"NO_PROXY", p.NoProxy},
	} {
		if v.value == "" {
			continue
		}
		for _, name := range []string{v.name, strings.ToLower(v.name)} {
			fmt.Fprintf(&shell, "export %s='%s'\n", name, strings.ReplaceAll(v.value, "'", `'\''`))
			// A percent sign starts a specifier of systemd.
			fmt.Fprintf(&conf, "DefaultEnvironment=\"%s=%s\"\n", name, strings.ReplaceAll(v.value, "%", "%%"))
		}
	}
	return shell.Bytes(), conf.Bytes()
}

// consoleInstance shows the state on the first serial port.
const consoleInstance = "okd-agent-console@ttyS0.service"

// loginsReplaced are the logins where the state is shown.
var loginsReplaced = []string{"getty@tty1.service", "serial-getty@ttyS0.service"}

// units are those in some directories. Instances of a template are enabled, not the template.
func units(dirs []string) ([]ign.Unit, error) {
	yes := true
	out := []ign.Unit{{Name: consoleInstance, Enabled: &yes}}
	for _, name := range loginsReplaced {
		out = append(out, ign.Unit{Name: name, Mask: &yes})
	}
	for _, dir := range dirs {
		list, err := unitsIn(dir)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	slices.SortFunc(out, func(a, b ign.Unit) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

func unitsIn(dir string) ([]ign.Unit, error) {
	yes := true
	list, err := fs.Glob(data.AgentLive(), dir+"/*.service")
	if err != nil {
		return nil, fmt.Errorf("read units: %w", err)
	}
	var out []ign.Unit
	for _, name := range list {
		content, err := fs.ReadFile(data.AgentLive(), name)
		if err != nil {
			return nil, fmt.Errorf("read unit: %w", err)
		}
		text := string(content)
		unit := ign.Unit{Name: path.Base(name), Contents: &text}
		if !strings.Contains(name, "@") {
			unit.Enabled = &yes
		}
		out = append(out, unit)
	}
	return out, nil
}

// Hook is the script that brings the node agent from the initramfs into the live system.
func Hook() ([]byte, error) {
	script, err := fs.ReadFile(data.AgentLive(), "90-okd-agent.sh")
	if err != nil {
		return nil, fmt.Errorf("read the hook of the initramfs: %w", err)
	}
	return script, nil
}
