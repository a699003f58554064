// Package keyfile has profiles of NetworkManager as files: writing them, and fitting them to
// the network cards of the host that they have come to.
//
// Their format is that of nm-settings-keyfile(5).
package keyfile

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
)

// Mode is the mode of a keyfile: NetworkManager ignores those that others can read.
const Mode fs.FileMode = 0o600

// Suffix is that of keyfiles. NetworkManager ignores others.
const Suffix = ".nmconnection"

// File is a file of one profile.
type File struct {
	Name string // in the directory of profiles
	Data []byte
}

// Profile is what a file holds, in its order.
type Profile []Section

// Section is a group of settings.
type Section struct {
	Name     string
	Settings Settings
}

// Settings are those of a section.
type Settings []Setting

// Setting is a key with its value, which is not escaped.
type Setting struct{ Key, Value string }

// Add adds a setting.
func (s *Settings) Add(key, format string, args ...any) {
	*s = append(*s, Setting{key, fmt.Sprintf(format, args...)})
}

// AddText adds a text, unless it is empty.
func (s *Settings) AddText(key, value string) {
	if value != "" {
		s.Add(key, "%s", value)
	}
}

// AddFlag adds a boolean, unless it is nil.
func (s *Settings) AddFlag(key string, value *bool) {
	if value != nil {
		s.Add(key, "%t", *value)
	}
}

// AddNumber adds a number, unless it is nil.
func (s *Settings) AddNumber(key string, value *uint32) {
	if value != nil {
		s.Add(key, "%d", *value)
	}
}

// Add adds a section, unless it is empty.
func (p *Profile) Add(name string, s Settings) {
	if len(s) > 0 {
		*p = append(*p, Section{name, s})
	}
}

// Get returns the value of a key, empty if there is none.
func (p Profile) Get(section, key string) string {
	for _, s := range p {
		for _, v := range s.Settings {
			if s.Name == section && v.Key == key {
				return v.Value
			}
		}
	}
	return ""
}

// escaper writes what a value cannot hold as it is; see the key file format of GLib.
var escaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

var unescaper = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t", `\s`, " ")

// Format writes a profile.
func (p Profile) Format() []byte {
	var b bytes.Buffer
	for i, s := range p {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[%s]\n", s.Name)
		for _, v := range s.Settings {
			value := escaper.Replace(v.Value)
			if rest, ok := strings.CutPrefix(value, " "); ok {
				value = `\s` + rest
			}
			fmt.Fprintf(&b, "%s=%s\n", v.Key, value)
		}
	}
	return b.Bytes()
}

// Parse reads what Format has written.
func Parse(data []byte) (Profile, error) {
	var p Profile
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok && strings.HasSuffix(name, "]") {
			p = append(p, Section{Name: strings.TrimSuffix(name, "]")})
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || len(p) == 0 {
			return nil, fmt.Errorf("line %d is neither a section nor a setting in a section", i+1)
		}
		last := &p[len(p)-1]
		last.Settings = append(last.Settings, Setting{key, unescaper.Replace(value)})
	}
	return p, nil
}
