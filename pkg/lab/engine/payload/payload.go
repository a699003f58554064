// Package payload turns a VM's initialization into the user_data of the drive
// that the engine attaches at first boot.
package payload

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/okd-install/okd-install/pkg/lab/engine/api"
)

// IgnitionOS is the only OS type whose custom script reaches the guest as it
// is, as an Ignition config. For any other the script becomes part of a
// cloud-config, which a CoreOS guest ignores.
const IgnitionOS = "rhcos_x64"

const (
	hostnameFile   = "/etc/hostname"
	defaultVersion = "2.3.0" // what the engine assumes of a config without one
)

// UserData returns the content of user_data, or nil when nothing is to be
// attached.
func UserData(osType string, init *api.Initialization) ([]byte, error) {
	if init == nil {
		return nil, nil
	}
	if osType == IgnitionOS {
		return ignition(api.Val(init.CustomScript), api.Val(init.HostName))
	}
	return cloudConfig(init), nil
}

func ignition(script, host string) ([]byte, error) {
	config := map[string]any{}
	if strings.TrimSpace(script) != "" {
		if err := json.Unmarshal([]byte(script), &config); err != nil {
			return nil, fmt.Errorf("read custom script as Ignition config: %w", err)
		}
	}
	head, _ := config["ignition"].(map[string]any)
	version, _ := head["version"].(string)
	switch {
	case version != "" && host == "":
		return []byte(script), nil
	case head == nil:
		config["ignition"] = map[string]any{"version": defaultVersion}
	case version == "":
		head["version"] = defaultVersion
	}
	if host != "" {
		addHostname(config, host)
	}
	out, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("write Ignition config: %w", err)
	}
	return out, nil
}

// addHostname does what the engine does, including its habit of replacing a
// storage object that lists no files: filesystems and disks in it are lost.
func addHostname(config map[string]any, host string) {
	storage, _ := config["storage"].(map[string]any)
	files, has := storage["files"].([]any)
	for _, f := range files {
		if entry, ok := f.(map[string]any); ok && entry["path"] == hostnameFile {
			return
		}
	}
	entry := map[string]any{
		"filesystem": "root",
		"path":       hostnameFile,
		"mode":       420,
		"contents":   map[string]any{"source": "data:," + url.PathEscape(host)},
	}
	if head, ok := config["ignition"].(map[string]any); ok {
		if v, _ := head["version"].(string); !strings.HasPrefix(v, "2.") {
			delete(entry, "filesystem") // spec 3 has no named file systems
			entry["overwrite"] = true
		}
	}
	if !has {
		config["storage"] = map[string]any{"files": []any{entry}}
		return
	}
	storage["files"] = append(files, entry)
}

func cloudConfig(init *api.Initialization) []byte {
	var b strings.Builder
	b.WriteString("#cloud-config\n")
	quote := func(s string) string { q, _ := json.Marshal(s); return string(q) }
	if host := api.Val(init.HostName); host != "" {
		fmt.Fprintf(&b, "hostname: %s\n", quote(host))
	}
	if user := api.Val(init.UserName); user != "" {
		fmt.Fprintf(&b, "user: %s\n", quote(user))
	}
	if keys := api.Val(init.AuthorizedSSHKeys); keys != "" {
		b.WriteString("ssh_authorized_keys:\n")
		for _, key := range strings.Split(strings.TrimSpace(keys), "\n") {
			fmt.Fprintf(&b, "- %s\n", quote(strings.TrimSpace(key)))
		}
	}
	b.WriteString(api.Val(init.CustomScript))
	return []byte(b.String())
}
