package keyfile

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
)

// MappingFile is the name of the file beside the profiles of a host that says which network
// cards their names mean.
const MappingFile = "mac_interface.ini"

// NIC is a network card of a host: the name that profiles have for it, and its MAC address.
type NIC struct{ Name, MAC string }

// FormatNICs writes a MappingFile.
func FormatNICs(nics []NIC) []byte {
	var b bytes.Buffer
	for _, n := range nics {
		fmt.Fprintf(&b, "%s=%s\n", plainMAC(n.MAC), n.Name)
	}
	return b.Bytes()
}

// ParseNICs reads a MappingFile.
func ParseNICs(data []byte) ([]NIC, error) {
	var nics []NIC
	for i, line := range strings.Split(string(data), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		mac, name, _ := strings.Cut(strings.TrimSpace(line), "=")
		if _, err := net.ParseMAC(mac); err != nil || name == "" {
			return nil, fmt.Errorf("%s:%d: must be a MAC address, = and a name", MappingFile, i+1)
		}
		nics = append(nics, NIC{Name: name, MAC: mac})
	}
	return nics, nil
}

// Directory returns the files of a host, in a directory named after its number. Hosts without
// network configuration have none.
func Directory(host int, nics []NIC, files []File) []File {
	dir := fmt.Sprintf("host%d/", host)
	out := make([]File, 0, len(files)+1)
	for _, f := range files {
		out = append(out, File{Name: dir + f.Name, Data: f.Data})
	}
	return append(out, File{Name: dir + MappingFile, Data: FormatNICs(nics)})
}

// Match returns the directory that is meant for the host with these network cards, whose
// names are keyed by MAC address. One common card is enough: others may be broken. It returns
// an empty string if there is none, and an error if there are several.
func Match(dirs map[string][]NIC, cards map[string]string) (string, error) {
	cards = byPlainMAC(cards)
	var matches []string
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		known := func(n NIC) bool { return cards[plainMAC(n.MAC)] != "" }
		if slices.ContainsFunc(dirs[dir], known) {
			matches = append(matches, dir)
		}
	}
	switch len(matches) {
	case 0:
		return "", nil
	case 1:
		return matches[0], nil
	}
	return "", fmt.Errorf("the network cards of this host are those of %s", strings.Join(matches, " and "))
}

// plainMAC is a MAC address as the kernel writes it.
func plainMAC(mac string) string { return strings.ToLower(strings.ReplaceAll(mac, "-", ":")) }

func byPlainMAC(cards map[string]string) map[string]string {
	out := make(map[string]string, len(cards))
	for mac, name := range cards {
		out[plainMAC(mac)] = name
	}
	return out
}
