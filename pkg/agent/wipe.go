package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/okd-install/okd-install/pkg/types"
)

// WipeFile says what a live system is to wipe. It is there instead of ConfigFile, and has no secrets.
const WipeFile = Dir + "/wipe.json"

// Wipe is what a live system is told that wipes the disk which an installation has written, and switches its host off.
type Wipe struct {
	InfraID string     `json:"infraID"`
	Hosts   []WipeHost `json:"hosts"`
}

// WipeHost is a host whose disk is to be wiped.
type WipeHost struct {
	Name string `json:"name"`
	// A host is found by its MAC addresses, lower case; by the UUID of its system only if none are known.
	MACs []string `json:"macs,omitempty"`
	UUID string   `json:"uuid,omitempty"`
	// Disk is the one that was written, as far as that was recorded; otherwise Hints say which.
	Disk  *DiskID                `json:"disk,omitempty"`
	Hints *types.RootDeviceHints `json:"rootDeviceHints,omitempty"`
}

// DiskID is what a disk is recognized by after another boot, in which its name may be that of another one.
type DiskID struct {
	Path      string `json:"path"` // when it was written; for people
	ByPath    string `json:"byPath,omitempty"`
	Serial    string `json:"serial,omitempty"`
	WWN       string `json:"wwn,omitempty"`
	Model     string `json:"model,omitempty"`
	SizeBytes int64  `json:"sizeBytes"`
}

// Identity is what the disk is recognized by.
func (d Disk) Identity() DiskID {
	return DiskID{
		Path: d.Path, ByPath: d.ByPath, Serial: d.Serial, WWN: d.WWN, Model: d.Model, SizeBytes: d.SizeBytes,
	}
}

// Is reports whether a disk is the recorded one. Where it is plugged in counts only if it has neither serial number nor
// WWN.
func (id DiskID) Is(d Disk) bool {
	if d.SizeBytes != id.SizeBytes || d.Model != id.Model || d.Serial != id.Serial || d.WWN != id.WWN {
		return false
	}
	return id.Serial != "" || id.WWN != "" || id.ByPath != "" && id.ByPath == d.ByPath
}

// Bounds of WipeFile.
const (
	maxWipe      = 16 << 20
	maxWipeHosts = 10000
)

// Encode writes WipeFile.
func (w *Wipe) Encode() ([]byte, error) {
	b, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("write what is to be wiped: %w", err)
	}
	if _, err := DecodeWipe(b); err != nil {
		return nil, err
	}
	return b, nil
}

// DecodeWipe reads WipeFile. What it does not know may be a restriction, so that it is an error.
func DecodeWipe(b []byte) (*Wipe, error) {
	if len(b) > maxWipe {
		return nil, fmt.Errorf("read what is to be wiped: more than %d bytes", maxWipe)
	}
	var w Wipe
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return nil, fmt.Errorf("read what is to be wiped: %w", err)
	}
	switch {
	case w.InfraID == "":
		return nil, errors.New("read what is to be wiped: it names no cluster")
	case len(w.Hosts) > maxWipeHosts:
		return nil, fmt.Errorf("read what is to be wiped: more than %d hosts", maxWipeHosts)
	}
	for _, h := range w.Hosts {
		if len(h.MACs) == 0 && h.UUID == "" {
			return nil, fmt.Errorf("read what is to be wiped: nothing is known by which host %s is found", h.Name)
		}
	}
	return &w, nil
}

// Find returns this host, by its inventory.
func (w *Wipe) Find(inv Inventory) (*WipeHost, error) {
	var found []*WipeHost
	for i := range w.Hosts {
		if w.Hosts[i].is(inv) {
			found = append(found, &w.Hosts[i])
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("this host, UUID %s, is none of the %d of cluster %s whose disks are to be wiped",
			inv.UUID, len(w.Hosts), w.InfraID)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("this host, UUID %s, may be %s or %s of cluster %s", inv.UUID, found[0].Name, found[1].Name,
		w.InfraID)
}

func (h *WipeHost) is(inv Inventory) bool {
	if len(h.MACs) == 0 {
		return h.UUID != "" && strings.EqualFold(h.UUID, inv.UUID)
	}
	return slices.ContainsFunc(inv.NICs, func(n NIC) bool { return n.Physical && slices.Contains(h.MACs, n.MAC) })
}
