package addnodes

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/secret"
)

// Life is how long an image can be used, as long as those of the node joiner. Everyone who has the image
// can fetch the configuration of a node from the cluster.
const Life = 48 * time.Hour

// slowClock is how far behind the clock of a host may be before the first time server corrects it.
const slowClock = pki.Day

// loopback is the address of the service for the agent of the same host.
func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// Access is what the hosts of an image and those who watch them prove themselves with.
type Access struct {
	Image                string // a name for the image
	CA, Certificate, Key string // PEM
	Agent, Watcher       secret.String
	Expires              time.Time
}

const tokenChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// NewAccess draws the access of an image.
func NewAccess(now time.Time) (Access, error) {
	const tokenLength, nameLength = 43, 20 // 256 bits; 119 bits
	a := Access{Expires: now.UTC().Add(Life).Truncate(time.Second)}
	ca, err := pki.NewAuthority(now.Add(-slowClock), pki.Name{Common: "node-image-ca", Unit: "okd-install"}, pki.Day*7)
	if err != nil {
		return a, err
	}
	service, err := ca.Issue(now, pki.Leaf{
		Name: pki.Name{Common: "okd-agent"}, Life: pki.Day * 5, Usage: pki.Server, IPs: []netip.Addr{loopback()},
	})
	if err != nil {
		return a, err
	}
	a.CA, a.Certificate, a.Key = string(ca.Cert), string(service.Cert), string(service.Key)
	for _, token := range []*secret.String{&a.Agent, &a.Watcher} {
		text, err := pki.RandomText(tokenChars, tokenLength)
		if err != nil {
			return a, err
		}
		*token = secret.New(text)
	}
	a.Image, err = pki.RandomText(tokenChars, nameLength)
	return a, err
}

// RecordFile is what a directory keeps of the image that was made last in it.
const RecordFile = ".add-nodes.json"

// Record is what is needed to watch the hosts of an image.
type Record struct {
	CA      string // PEM
	Watcher secret.String
	Expires time.Time
	// Hosts are those of nodes-config.yaml.
	Hosts []RecordedHost
	// Networks are those of the machines.
	Networks []netip.Prefix
	// Inputs tells the image from others that the installer starts hosts from; empty for those that it does not.
	Inputs string
	// File is the name of the ISO in the directory; empty for other forms.
	File string
	// Joined are hosts that have become nodes. Their disks have the mark of the image, so that they are not written from
	// it again.
	Joined []string
	// Done are those whose media are known to be out.
	Done []string
}

// RecordedHost is what is known of a host before it boots.
type RecordedHost struct {
	Hostname  string       `json:"hostname,omitempty"`
	Role      string       `json:"role"`
	MACs      []string     `json:"macs"`
	Addresses []netip.Addr `json:"addresses,omitempty"` // static ones
}

// recordFile is the form of the file; a secret would hide itself.
type recordFile struct {
	CA       string         `json:"ca"`
	Token    string         `json:"token"`
	Expires  time.Time      `json:"expires"`
	Hosts    []RecordedHost `json:"hosts"`
	Networks []netip.Prefix `json:"networks"`
	Inputs   string         `json:"inputs,omitempty"`
	File     string         `json:"file,omitempty"`
	Joined   []string       `json:"joined,omitempty"`
	Done     []string       `json:"done,omitempty"`
}

// Encode writes a record with its secret.
func (r Record) Encode() ([]byte, error) {
	raw, err := json.MarshalIndent(recordFile{
		r.CA, r.Watcher.Reveal(), r.Expires, r.Hosts, r.Networks, r.Inputs, r.File, r.Joined, r.Done,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the record of the image: %w", err)
	}
	return append(raw, '\n'), nil
}

// DecodeRecord reads what Encode wrote.
func DecodeRecord(raw []byte) (Record, error) {
	var f recordFile
	if err := json.Unmarshal(raw, &f); err != nil {
		return Record{}, fmt.Errorf("read the record of the image: %w", err)
	}
	return Record{
		CA: f.CA, Watcher: secret.New(f.Token), Expires: f.Expires, Hosts: f.Hosts, Networks: f.Networks,
		Inputs: f.Inputs, File: f.File, Joined: f.Joined, Done: f.Done,
	}, nil
}
