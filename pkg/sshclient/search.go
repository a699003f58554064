package sshclient

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Search looks for the user's private keys.
type Search struct {
	// Wanted are authorized_keys lines of the hosts. If empty, Find returns the keys that ssh uses by default.
	Wanted []string
	Files  []string    // key files that the user named; all of them are used
	Dir    string      // the user's key directory, such as ~/.ssh
	Agent  agent.Agent // nil without an agent
}

// Found is the result of a Search.
type Found struct {
	Keys [][]byte // private keys without a passphrase
	// Missing says which private key was not found and where Find looked for it; empty if it found a wanted one.
	Missing string
}

// Limits for reading the user's directory.
const (
	maxKeyFile  = 64 << 10
	maxKeyFiles = 256
)

// Find looks for private keys. It fails if a file that the user named is not a usable key.
func (s Search) Find() (Found, error) {
	var out Found
	var have []ssh.PublicKey
	if s.Agent != nil {
		held, _ := s.Agent.List() // an agent that fails has no keys
		for _, key := range held {
			have = append(have, key)
		}
	}
	inAgent := len(have)
	for _, file := range s.Files {
		text, err := readKeyFile(file)
		if err != nil {
			return out, fmt.Errorf("read SSH key: %w", err)
		}
		public, err := publicOf(text, file)
		switch {
		case errors.Is(err, errLocked) && public != nil && slices.ContainsFunc(have, same(public)):
			continue // the agent has it
		case err != nil:
			return out, fmt.Errorf("read SSH key: %s: %w", file, err)
		}
		out.Keys, have = append(out.Keys, text), append(have, public)
	}
	if len(s.Wanted) == 0 {
		if len(have) == 0 {
			s.defaults(&out)
		}
		return out, nil
	}
	var locked []string
	tried := 0
	wanted := publicKeys(s.Wanted)
	for file, text := range s.keyFiles {
		tried++
		public, err := publicOf(text, file)
		if public == nil || !slices.ContainsFunc(wanted, same(public)) || slices.ContainsFunc(have, same(public)) {
			continue
		}
		if err != nil {
			locked = append(locked, file+" is the key, but "+err.Error())
			continue
		}
		out.Keys, have = append(out.Keys, text), append(have, public)
	}
	if slices.ContainsFunc(wanted, func(key ssh.PublicKey) bool { return slices.ContainsFunc(have, same(key)) }) {
		return out, nil
	}
	out.Missing = s.missing(inAgent, tried, locked)
	return out, nil
}

// defaults adds the keys that ssh uses by default.
func (s Search) defaults(out *Found) {
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		file := filepath.Join(s.Dir, name)
		text, err := readKeyFile(file)
		if err != nil {
			continue
		}
		if _, err := publicOf(text, file); err == nil {
			out.Keys = append(out.Keys, text)
		}
	}
	if len(out.Keys) == 0 {
		out.Missing = "no private key was found: looked in " + s.places(0, 0)
	}
}

func (s Search) missing(inAgent, tried int, locked []string) string {
	var names []string
	for _, line := range s.Wanted {
		names = append(names, describe(line))
	}
	text := "the private half of " + strings.Join(names, " or ") +
		", the sshKey of install-config.yaml, was not found: looked in " + s.places(inAgent, tried)
	return strings.Join(append([]string{text}, locked...), "; ")
}

// places lists where Find looked.
func (s Search) places(inAgent, tried int) string {
	out := []string{"--key (none was given)"}
	if n := len(s.Files); n > 0 {
		out[0] = "--key " + strings.Join(s.Files, ", ")
	}
	if s.Agent != nil {
		out = append(out, fmt.Sprintf("the SSH agent (%d keys)", inAgent))
	} else {
		out = append(out, "the SSH agent (none answers: SSH_AUTH_SOCK)")
	}
	if s.Dir != "" {
		out = append(out, fmt.Sprintf("%s (%d private keys)", s.Dir, tried))
	}
	return strings.Join(out, ", ")
}

// keyFiles yields the private keys in the user's directory, whatever their names.
func (s Search) keyFiles(yield func(file string, text []byte) bool) {
	if s.Dir == "" {
		return
	}
	dir, err := os.Open(s.Dir)
	if err != nil {
		return
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(maxKeyFiles)
	slices.Sort(names)
	for _, name := range names {
		file := filepath.Join(s.Dir, name)
		text, err := readKeyFile(file)
		if err == nil && bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN ")) && !yield(file, text) {
			return
		}
	}
}

// readKeyFile reads a regular file of at most maxKeyFile bytes.
func readKeyFile(file string) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0) // do not block on a named pipe
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", file)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = fmt.Errorf("%s is too large for a key", file)
	}
	return text, err
}

var errLocked = errors.New(needsAgent)

// publicOf returns the public key of a private one. For a key with a passphrase it returns errLocked, and the public
// key if the file or the .pub file beside it contains it.
func publicOf(text []byte, file string) (ssh.PublicKey, error) {
	key, err := ssh.ParsePrivateKey(text)
	if err == nil {
		return key.PublicKey(), nil
	}
	var public ssh.PublicKey
	if beside, err := readKeyFile(file + ".pub"); err == nil {
		if keys := publicKeys([]string{string(beside)}); len(keys) > 0 {
			public = keys[0]
		}
	}
	if locked := (*ssh.PassphraseMissingError)(nil); errors.As(err, &locked) {
		if locked.PublicKey != nil {
			public = locked.PublicKey
		}
		return public, errLocked
	}
	return public, fmt.Errorf("it cannot be read: %w", err)
}
