// Package site says where a lab keeps its things and what has to be known to
// use it: addresses, accounts, keys.
package site

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/okd-install/okd-install/pkg/atomicfile"
	"github.com/okd-install/okd-install/pkg/lab/network"
)

// Defaults of the lab's name and directories.
const (
	DefaultName  = "lab"
	DefaultCache = "/var/cache/okd-lab"
	stateDir     = "/var/lib/okd-lab"
)

// Site is one lab on this machine.
type Site struct {
	Name  string
	Dir   string // state; goes with the lab
	Cache string // what was built; stays
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// New names a lab; nothing is made.
func New(name, cache string) (Site, error) {
	if !namePattern.MatchString(name) {
		return Site{}, fmt.Errorf("lab name %q: use at most 31 lower-case letters, digits and dashes, a letter first", name)
	}
	return Site{Name: name, Dir: filepath.Join(stateDir, name), Cache: cache}, nil
}

// Network names the lab's namespaces.
func (s Site) Network() network.Lab { return network.Lab{Name: s.Name} }

// Group is the parent of the control groups of the lab's machines.
func (s Site) Group() string { return "okd-lab/" + s.Name }

// File is a path in the state directory.
func (s Site) File(elem ...string) string {
	return filepath.Join(append([]string{s.Dir}, elem...)...)
}

// The files of a lab.
const (
	FactsFile   = "lab.json"
	SocketFile  = "control.sock"
	LogFile     = "daemon.log"
	PIDFile     = "daemon.pid"
	CAFile      = "ca.pem"
	ResolvFile  = "resolv.conf"
	OvirtFile   = "ovirt-config.yaml"
	PullFile    = "pull-secret.json"
	SSHKeyFile  = "ssh/id_ed25519"
	EngineState = "engine.json"
	BinDir      = "bin"
	// ReleaseKeyFile is the public key that the lab's releases are signed with.
	ReleaseKeyFile = "release-key.asc"
)

// Facts is what has to be known to use a lab. It holds passwords; its file is
// for root only.
type Facts struct {
	Lab      string         `json:"lab"`
	Engine   EngineFacts    `json:"engine"`
	Registry RegistryFacts  `json:"registry"`
	Release  ReleaseFacts   `json:"release"` // the one that is installed by default
	Releases []ReleaseFacts `json:"releases"`
	// Content are OCI layouts with more images for the registry.
	Content []string     `json:"content,omitempty"`
	Updates UpdatesFacts `json:"updates"`
	Image   ImageFacts   `json:"image"`
	// Clusters are those that the lab's DNS is ready for.
	Clusters []network.Cluster `json:"clusters"`
	SSHKey   string            `json:"sshKey"` // private key file; its .pub is beside it
}

// EngineFacts is how to reach the oVirt engine.
type EngineFacts struct {
	URL         string `json:"url"`
	FQDN        string `json:"fqdn"`
	CAFile      string `json:"caFile"`
	User        string `json:"user"`
	Password    string `json:"password"`
	OvirtConfig string `json:"ovirtConfig"`
}

// RegistryFacts is how to reach the registry.
type RegistryFacts struct {
	Host       string `json:"host"`
	CAFile     string `json:"caFile"`
	User       string `json:"user"`
	Password   string `json:"password"`
	PullSecret string `json:"pullSecretFile"`
}

// ReleaseFacts name the lab release.
type ReleaseFacts struct {
	PullSpec string `json:"pullSpec"`
	Version  string `json:"version"`
	Layout   string `json:"layout"`
}

// ReleaseFor finds a release of the lab by a name such as 4.20; the usual one
// has no name.
func (f Facts) ReleaseFor(name string) (ReleaseFacts, error) {
	if name == "" {
		return f.Release, nil
	}
	var have []string
	for _, r := range f.Releases {
		if r.Version == name || strings.HasPrefix(r.Version, name+".") {
			return r, nil
		}
		have = append(have, r.Version)
	}
	return ReleaseFacts{}, fmt.Errorf("release %q: lab %s has %s; "+
		"build others with okd-lab setup --release %s,… and start the lab again",
		name, f.Lab, strings.Join(have, ", "), name)
}

// UpdatesFacts say where the lab's releases are looked up.
type UpdatesFacts struct {
	GraphURL       string `json:"graphURL"`
	Repository     string `json:"repository"`
	SignatureStore string `json:"signatureStore"`
	KeyFile        string `json:"keyFile"` // OpenPGP public key of who signs them
}

// ImageFacts name the OS image.
type ImageFacts struct {
	Stream string `json:"stream"` // file
	Dir    string `json:"dir"`
	Bare   string `json:"bare,omitempty"` // directory of the bare image, if there is one
	Live   string `json:"live"`           // directory of the live ISO
}

// ErrDown is the error for a lab that does not run.
var ErrDown = errors.New("the lab is not up; start it with okd-lab up")

// Facts reads what is known about the lab.
func (s Site) Facts() (Facts, error) {
	var f Facts
	b, err := os.ReadFile(s.File(FactsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return f, ErrDown
	}
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		return f, fmt.Errorf("read what is known about lab %s: %w", s.Name, err)
	}
	return f, nil
}

// Save writes what is known about the lab.
func (s Site) Save(f Facts) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("write what is known about lab %s: %w", s.Name, err)
	}
	return WriteSecret(s.File(FactsFile), append(b, '\n'))
}

// WriteSecret writes a file that only root may read, whole or not at all.
func WriteSecret(path string, b []byte) error {
	err := os.MkdirAll(filepath.Dir(path), 0o711)
	if err == nil {
		err = atomicfile.Write(path, b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
