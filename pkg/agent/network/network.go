// Package network gives a host the network configuration and the hostname that the image has
// for it, before NetworkManager starts.
package network

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/agent"
	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
)

// profiles is where NetworkManager has those that were made for the host.
const profiles = "etc/NetworkManager/system-connections"

// made is where it has those that last until the next boot.
const made = "run/NetworkManager/system-connections"

// initrdMark is in the profiles that the initramfs makes of the kernel's arguments, or for all
// cards if there are none: they would configure cards beside ours, with DHCP.
const initrdMark = "org.freedesktop.NetworkManager.origin=nm-initrd-generator"

// initrdProfile is the name of the one for all cards, which older versions do not mark.
const initrdProfile = "default_connection" + keyfile.Suffix

// Result is what Apply did.
type Result struct {
	// Host is the directory whose profiles were taken, such as host0; empty if there is none
	// for this host, which then keeps the live system's defaults: DHCP.
	Host string
	// Files are the profiles, by their names.
	Files []string
	// Warnings are about cards that the configuration has and the host does not.
	Warnings []string
}

// Apply finds the directory in dir that is meant for the host with these cards, whose names
// are keyed by MAC address, fits its profiles to them, and writes those below root. It may be
// repeated.
func Apply(root, dir string, cards map[string]string) (Result, error) {
	hosts, err := readHosts(dir)
	if err != nil {
		return Result{}, err
	}
	nics := make(map[string][]keyfile.NIC, len(hosts))
	for name, h := range hosts {
		nics[name] = h.nics
	}
	name, err := keyfile.Match(nics, cards)
	if err != nil {
		return Result{}, fmt.Errorf("find the network configuration of this host: %w", err)
	}
	if name == "" {
		return Result{}, nil
	}
	renamed, err := keyfile.Rename(hosts[name].files, hosts[name].nics, cards)
	if err != nil {
		return Result{}, fmt.Errorf("fit the network configuration %s to the cards of this host: %w", name, err)
	}
	out := Result{Host: name, Warnings: warnings(renamed)}
	to := filepath.Join(root, profiles)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return out, fmt.Errorf("write the network configuration: %w", err)
	}
	// Ours first: a host that is interrupted in between has too many profiles, not none.
	for _, f := range renamed.Files {
		if filepath.Base(f.Name) != f.Name {
			return out, fmt.Errorf("the network configuration %s has a profile named %q, which is no file name", name, f.Name)
		}
		if err := atomicfile.Write(filepath.Join(to, f.Name), f.Data, keyfile.Mode); err != nil {
			return out, fmt.Errorf("write the network configuration: %w", err)
		}
		out.Files = append(out.Files, f.Name)
	}
	for _, d := range []string{to, filepath.Join(root, made)} {
		if err := removeDefaults(d, out.Files); err != nil {
			return out, fmt.Errorf("remove profiles of the live system: %w", err)
		}
	}
	return out, nil
}

func warnings(r keyfile.Renamed) []string {
	var out []string
	for _, n := range r.Missing {
		out = append(out, fmt.Sprintf("the host has no network card with the MAC address %s, which the configuration "+
			"calls %s",
			n.MAC, n.Name))
	}
	if len(r.LeftOut) > 0 {
		out = append(out, "left out, because their cards are missing: "+strings.Join(r.LeftOut, ", "))
	}
	return out
}

// host is a directory of one host.
type host struct {
	nics  []keyfile.NIC
	files []keyfile.File
}

// maxFile is far above the size of any profile.
const maxFile = 1 << 20

// readHosts reads the directories of all hosts; none if there is no dir.
func readHosts(dir string) (map[string]host, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the network configurations: %w", err)
	}
	out := map[string]host{}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), "host") {
			continue
		}
		if out[e.Name()], err = readHost(filepath.Join(dir, e.Name())); err != nil {
			return nil, fmt.Errorf("read the network configuration %s: %w", e.Name(), err)
		}
	}
	return out, nil
}

func readHost(dir string) (host, error) {
	var h host
	b, err := read(filepath.Join(dir, keyfile.MappingFile))
	if err != nil {
		return h, err
	}
	if h.nics, err = keyfile.ParseNICs(b); err != nil {
		return h, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"+keyfile.Suffix))
	if err != nil {
		return h, err
	}
	slices.Sort(paths)
	for _, p := range paths {
		b, err := read(p)
		if err != nil {
			return h, err
		}
		h.files = append(h.files, keyfile.File{Name: filepath.Base(p), Data: b})
	}
	return h, nil
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has more than %d KiB", path, maxFile>>10)
	}
	return os.ReadFile(path)
}

// removeDefaults removes the profiles that the initramfs has made. Those that came with the
// image stay.
func removeDefaults(dir string, ours []string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+keyfile.Suffix))
	if err != nil {
		return err
	}
	for _, p := range paths {
		name := filepath.Base(p)
		if slices.Contains(ours, name) {
			continue
		}
		b, err := read(p)
		if err != nil {
			return err
		}
		if name == initrdProfile || bytes.Contains(b, []byte(initrdMark)) {
			if err := os.Remove(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// Cards are the network cards of a host, for Apply. Bonds and VLANs have the address of a
// card, which counts for them only if no card has it.
func Cards(nics []agent.NIC) map[string]string {
	out := map[string]string{}
	physical := map[string]bool{}
	for _, n := range nics {
		if _, known := out[n.MAC]; !known || n.Physical && !physical[n.MAC] {
			out[n.MAC], physical[n.MAC] = n.Name, n.Physical
		}
	}
	return out
}

// HostOf returns the settings of the host with these MAC addresses; nil if there are none.
// Cards of two hosts in one are an error.
func HostOf(hosts []agent.Host, macs []string) (*agent.Host, error) {
	var found *agent.Host
	for i := range hosts {
		ours := func(mac string) bool { return slices.Contains(macs, plain(mac)) }
		if !slices.ContainsFunc(hosts[i].MACs, ours) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("the network cards of this host are those of two in the configuration: %s and %s",
				describe(*found), describe(hosts[i]))
		}
		found = &hosts[i]
	}
	return found, nil
}

func describe(h agent.Host) string {
	if h.Hostname != "" {
		return h.Hostname
	}
	return "the one with " + strings.Join(h.MACs, ", ")
}

// plain is a MAC address as the kernel writes it.
func plain(mac string) string { return strings.ToLower(strings.ReplaceAll(mac, "-", ":")) }
