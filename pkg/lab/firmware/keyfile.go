package firmware

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// Profile is what a connection profile of NetworkManager says of a card's
// addresses. There may be more in it that an initramfs does not need.
type Profile struct {
	Name      string // of the file
	Type      string // ethernet, bond, vlan …
	Interface string
	MAC       string // lower case
	Method    string // manual, auto …
	Addresses []netip.Prefix
	Gateway   netip.Addr // the zero value if there is none
	DNS       []netip.Addr
	Search    []string
}

// Ethernet is the type of profiles of network cards.
const Ethernet = "ethernet"

// Card is a network card.
type Card struct{ Name, MAC string }

// Matches reports whether the profile is for a card. One that names none is for any.
func (p Profile) Matches(c Card) bool {
	return (p.Interface == "" || p.Interface == c.Name) && (p.MAC == "" || p.MAC == strings.ToLower(c.MAC))
}

const maxProfile = 64 << 10

// Profiles reads the profiles in a directory, by name. A directory that does not
// exist has none.
func Profiles(dir string) ([]Profile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read network profiles: %w", err)
	}
	var list []Profile
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".nmconnection" || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err != nil || info.Size() > maxProfile {
			return nil, errors.Join(fmt.Errorf("network profile %s cannot be read, or is too large", e.Name()), err)
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read network profile: %w", err)
		}
		p, err := ParseProfile(string(b))
		if err != nil {
			return nil, fmt.Errorf("network profile %s: %w", e.Name(), err)
		}
		p.Name = e.Name()
		list = append(list, p)
	}
	return list, nil
}

// ParseProfile reads the IPv4 part of a profile.
func ParseProfile(text string) (Profile, error) {
	var p Profile
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			section = strings.Trim(line, "[]")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return p, fmt.Errorf("%q is not of the form key=value", line)
		}
		if err := p.set(section, strings.TrimSpace(key), strings.TrimSpace(value)); err != nil {
			return p, fmt.Errorf("%s.%s: %w", section, key, err)
		}
	}
	return p, nil
}

func (p *Profile) set(section, key, value string) (err error) {
	switch section {
	case "connection":
		switch key {
		case "type":
			p.Type = strings.TrimPrefix(value, "802-3-")
		case "interface-name":
			p.Interface = value
		}
	case "ethernet", "802-3-ethernet":
		if key == "mac-address" {
			p.MAC = strings.ToLower(value)
		}
	case "ipv4":
		return p.setIPv4(key, value)
	}
	return nil
}

func (p *Profile) setIPv4(key, value string) (err error) {
	switch {
	case key == "method":
		p.Method = value
	case key == "gateway":
		p.Gateway, err = netip.ParseAddr(value)
	case key == "dns":
		for text := range strings.FieldsFuncSeq(value, separates) {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return err
			}
			p.DNS = append(p.DNS, a)
		}
	case key == "dns-search":
		for name := range strings.FieldsFuncSeq(value, separates) {
			p.Search = append(p.Search, name)
		}
	case numbered(key, "address"):
		text, gateway, more := strings.Cut(value, ",")
		a, err := netip.ParsePrefix(text)
		if err != nil {
			return err
		}
		p.Addresses = append(p.Addresses, a)
		if more && !p.Gateway.IsValid() {
			p.Gateway, err = netip.ParseAddr(gateway)
		}
		return err
	}
	return err
}

func separates(r rune) bool { return r == ';' || r == ',' || r == ' ' }

// numbered reports whether key is a word with a number after it.
func numbered(key, word string) bool {
	digits, ok := strings.CutPrefix(key, word)
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
