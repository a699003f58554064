package sshclient_test

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/okd-install/okd-install/pkg/pki"
	"github.com/okd-install/okd-install/pkg/sshclient"
)

func sshKey(t *testing.T, comment string) pki.SSHKey {
	t.Helper()
	key, err := pki.NewSSHKey(comment)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func lock(t *testing.T, key pki.SSHKey) []byte {
	t.Helper()
	raw, err := ssh.ParseRawPrivateKey(key.PrivatePEM)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(raw.(crypto.PrivateKey), "", []byte("a passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

// keyDir makes a directory with these files.
func keyDir(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSearch(t *testing.T) {
	mine, other := sshKey(t, "me@desk"), sshKey(t, "other")
	print, _, _, _, err := ssh.ParseAuthorizedKey([]byte(mine.AuthorizedKey))
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := ssh.FingerprintSHA256(print)
	held := agent.NewKeyring()
	add(t, held, mine.PrivatePEM)
	named := keyDir(t, map[string][]byte{
		"mine": mine.PrivatePEM, "other": other.PrivatePEM, "locked": lock(t, mine), "text": []byte("x"),
		"large": append(bytes.Clone(mine.PrivatePEM), bytes.Repeat([]byte("\n"), 70<<10)...),
	})
	file := func(name string) []string { return []string{filepath.Join(named, name)} }
	wanted := []string{other.AuthorizedKey, mine.AuthorizedKey}[1:]
	tests := []struct {
		name   string
		search sshclient.Search
		want   [][]byte
		says   []string // what is missing, or the error
	}{
		{"by another name", sshclient.Search{Wanted: wanted, Dir: keyDir(t, map[string][]byte{
			"id_rsa": other.PrivatePEM, "work": mine.PrivatePEM, "config": []byte("Host *"), "big": make([]byte, 1<<20),
		})},
			[][]byte{mine.PrivatePEM}, nil},
		{"one of two that are accepted", sshclient.Search{
			Wanted: []string{other.AuthorizedKey, mine.AuthorizedKey}, Dir: keyDir(t, map[string][]byte{"x": mine.PrivatePEM}),
		},
			[][]byte{mine.PrivatePEM}, nil},
		{"none", sshclient.Search{
			Wanted: wanted, Dir: keyDir(t, map[string][]byte{"id_rsa": other.PrivatePEM}), Files: file("other"),
		},
			[][]byte{other.PrivatePEM}, []string{
				fingerprint + " (me@desk)", "--key " + filepath.Join(named, "other"), "SSH_AUTH_SOCK", "(1 private keys)",
			}},
		{"with a passphrase", sshclient.Search{Wanted: wanted, Dir: keyDir(t, map[string][]byte{"id_x": lock(t, mine)})},
			nil, []string{"id_x is the key, but it has a passphrase", "ssh-add"}},
		{"in the agent", sshclient.Search{
			Wanted: wanted, Agent: held, Dir: keyDir(t, map[string][]byte{"id_x": lock(t, mine)}),
		}, nil, nil},
		{"not in the agent", sshclient.Search{Wanted: []string{other.AuthorizedKey}, Agent: held},
			nil, []string{"the SSH agent (1 keys)"}},
		{"named", sshclient.Search{
			Wanted: wanted, Files: file("mine"), Dir: keyDir(t, map[string][]byte{"x": mine.PrivatePEM}),
		}, [][]byte{mine.PrivatePEM}, nil},
		{"named and locked", sshclient.Search{Wanted: wanted, Files: file("locked")},
			nil, []string{"error: read SSH key: " + filepath.Join(named, "locked") + ": it has a passphrase"}},
		{"named, locked and in the agent", sshclient.Search{Wanted: wanted, Agent: held, Files: file("locked")}, nil, nil},
		{"named and no key", sshclient.Search{Files: file("text")},
			nil, []string{"error: read SSH key: ", "text: it cannot be read"}},
		{"named and too large", sshclient.Search{Files: file("large")}, nil, []string{"large is too large for a key"}},
		{"named and not there", sshclient.Search{Files: file("none")},
			nil, []string{"error: read SSH key: open " + filepath.Join(named, "none")}},
		{"not known which: those of ssh", sshclient.Search{Dir: keyDir(t, map[string][]byte{
			"id_ed25519": mine.PrivatePEM, "id_rsa": []byte("x"), "id_ecdsa": lock(t, other), "work": other.PrivatePEM,
		})},
			[][]byte{mine.PrivatePEM}, nil},
		{"not known which, and none found", sshclient.Search{Dir: "/nonexistent"},
			nil, []string{"no private key was found", "/nonexistent"}},
		{"no directory", sshclient.Search{Wanted: wanted}, nil, []string{fingerprint}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found, err := tt.search.Find()
			text := found.Missing
			if err != nil {
				text = "error: " + err.Error()
			}
			for _, part := range tt.says {
				if !strings.Contains(text, part) {
					t.Errorf("it says %q, not %q", text, part)
				}
			}
			if len(tt.says) == 0 && text != "" {
				t.Errorf("it says %q", text)
			}
			if err == nil && !bytes.Equal(bytes.Join(found.Keys, nil), bytes.Join(tt.want, nil)) {
				t.Errorf("found %d keys, want %d, or others", len(found.Keys), len(tt.want))
			}
			if strings.Contains(text, "PRIVATE") {
				t.Error("it shows a key")
			}
		})
	}
}

// A named pipe must not block the search.
func TestSearchIgnoresPipes(t *testing.T) {
	mine := sshKey(t, "mine")
	dir := keyDir(t, map[string][]byte{"z": mine.PrivatePEM})
	if err := syscall.Mkfifo(filepath.Join(dir, "a"), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := sshclient.Search{Wanted: []string{mine.AuthorizedKey}, Dir: dir, Files: nil}.Find()
	if err != nil || len(found.Keys) != 1 {
		t.Errorf("%+v, %v", found.Missing, err)
	}
}
