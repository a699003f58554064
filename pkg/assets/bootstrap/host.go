package bootstrap

import (
	"bytes"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/data"
	"github.com/okd-install/okd-install/pkg/assets/mirrors"
	"github.com/okd-install/okd-install/pkg/types"
)

const (
	executable = 0o555
	readable   = 0o644
)

// localDNS is the script that makes the host ask its own DNS first. It is for
// platforms where static pods serve the cluster's names.
const localDNS = "/etc/NetworkManager/dispatcher.d/30-local-dns-prepender"

func addScripts(b *builder, in Inputs) error {
	return eachFile(data.Bootstrap(), "files", func(name string, content []byte) error {
		target := strings.TrimPrefix(name, "files")
		mode := modeOf(content)
		if in.Agent && target == overlayGenerator {
			return nil
		}
		if target == localDNS {
			if !in.Config.OnPrem() {
				return nil
			}
			content = bytes.ReplaceAll(content, []byte("@LOCAL_RESOLVER@"), []byte(localResolver(in.Config)))
		}
		b.file(target, mode, content)
		return nil
	})
}

func modeOf(content []byte) int {
	if bytes.HasPrefix(content, []byte("#!")) {
		return executable
	}
	return readable
}

func localResolver(c *types.InstallConfig) string {
	if c.Networking != nil {
		if cidrs := c.Networking.MachineCIDRs(); len(cidrs) > 0 && cidrs[0].Addr().Is6() {
			return "::1"
		}
	}
	return "127.0.0.1"
}

// kubeletEnv is read by kubelet.service.
const kubeletEnv = "/etc/kubernetes/kubelet.env"

// addKubelet sets the address that static pods take for the host's.
func addKubelet(b *builder, in Inputs) error {
	address := ""
	switch {
	case in.NodeIP.IsValid():
		address = in.NodeIP.String()
	case in.Config.Networking != nil && len(in.Config.Networking.ServiceNetwork) > 0 &&
		in.Config.Networking.ServiceNetwork[0].Addr().Is6():
		address = "::" // any of the host's, but of this family
	}
	if address != "" {
		b.text(kubeletEnv, readable, "NODE_IP="+address+"\n")
	}
	return nil
}

// addFIPS adds the file by which the initial RAM disk of CoreOS switches FIPS mode on. A
// live system that is running already has been started with it, or not.
func addFIPS(b *builder, in Inputs) error {
	if in.Config.FIPS && !in.Agent {
		b.text("/etc/ignition-machine-config-encapsulated.json", readable,
			`{"metadata":{"name":"bootstrap-fips"},`+
				`"spec":{"config":{"ignition":{"version":"3.2.0"}},"kernelArguments":[],"fips":true}}`+"\n")
	}
	return nil
}

// searched are the registries for images that are named without one, as on the nodes.
var searched = []string{"registry.access.redhat.com", "docker.io"}

// addRegistry adds what the host needs to pull images: the login, for podman and the
// kubelet, the authorities to trust, and the mirrors.
func addRegistry(b *builder, in Inputs) error {
	login := []byte(in.Config.PullSecret.Reveal())
	b.file("/root/.docker/config.json", 0o600, login)
	b.file("/var/lib/kubelet/config.json", 0o600, login)
	if bundle := in.Config.AdditionalTrustBundle; bundle != "" {
		b.text("/etc/pki/ca-trust/source/anchors/ca.crt", 0o600, strings.TrimRight(bundle, "\n")+"\n")
	}
	if conf := mirrors.RegistriesConf(in.Config.Mirrors(), searched...); conf != "" {
		// rpm-ostree fails if it cannot read the file, which holds no login.
		b.text("/etc/containers/registries.conf", readable, conf)
	}
	return nil
}

// addProxy sets the proxy of the host's services and logins from the cluster's
// manifest, so that both exclude the same addresses.
func addProxy(b *builder, in Inputs) error {
	raw := in.Files.Data("manifests/cluster-proxy-01-config.yaml")
	if in.Config.Proxy == nil || raw == nil {
		return nil
	}
	var proxy struct {
		Status struct{ HTTPProxy, HTTPSProxy, NoProxy string }
	}
	if err := yaml.Unmarshal(raw, &proxy); err != nil {
		return fmt.Errorf("read the proxy manifest: %w", err)
	}
	var profile, units strings.Builder
	units.WriteString("[Manager]\n")
	for _, v := range []struct{ name, value string }{
		{"HTTP_PROXY", proxy.Status.HTTPProxy},
		{"HTTPS_PROXY", proxy.Status.HTTPSProxy},
		{"NO_PROXY", proxy.Status.NoProxy},
	} {
		if v.value == "" {
			continue
		}
		for _, name := range []string{v.name, strings.ToLower(v.name)} {
			fmt.Fprintf(&profile, "export %s=%s\n", name, shellQuote(v.value))
			// A percent sign starts a specifier of systemd.
			fmt.Fprintf(&units, "DefaultEnvironment=\"%s=%s\"\n", name, strings.ReplaceAll(v.value, "%", "%%"))
		}
	}
	b.text("/etc/profile.d/proxy.sh", 0o600, profile.String())
	b.text("/etc/systemd/system.conf.d/10-default-env.conf", 0o600, units.String())
	return nil
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
