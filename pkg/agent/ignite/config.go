package ignite

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/coreos/ignition/v2/config/v3_5/types"
	"github.com/vincent-petithory/dataurl"
)

// maxContents limits what a compressed file may become (bytes).
const maxContents = 64 << 20

// refuse names what an Ignition config may have, but cannot be done on a running system.
func refuse(c types.Config) error {
	var no []string
	add := func(cannot bool, what string) {
		if cannot {
			no = append(no, what)
		}
	}
	add(len(c.Ignition.Config.Merge) > 0, "ignition.config.merge")
	add(c.Ignition.Config.Replace.Source != nil, "ignition.config.replace")
	add(len(c.KernelArguments.ShouldExist)+len(c.KernelArguments.ShouldNotExist) > 0, "kernelArguments")
	add(len(c.Storage.Disks) > 0, "storage.disks")
	add(len(c.Storage.Filesystems) > 0, "storage.filesystems")
	add(len(c.Storage.Luks) > 0, "storage.luks")
	add(len(c.Storage.Raid) > 0, "storage.raid")
	add(len(c.Passwd.Groups) > 0, "passwd.groups")
	for _, f := range c.Storage.Files {
		for _, r := range append([]types.Resource{f.Contents}, f.Append...) {
			add(remote(r), "the source of file "+f.Path)
		}
	}
	for _, u := range c.Passwd.Users {
		add(u.Gecos != nil || len(u.Groups) > 0 || u.HomeDir != nil || u.NoCreateHome != nil || u.NoLogInit != nil ||
			u.NoUserGroup != nil || u.PrimaryGroup != nil || u.Shell != nil || u.ShouldExist != nil || u.System != nil ||
			u.UID != nil, "user "+u.Name+" with more than a password hash and SSH keys")
	}
	if len(no) == 0 {
		return nil
	}
	return fmt.Errorf("the Ignition config has what cannot be done on a running system: %s",
		strings.Join(no, ", "))
}

func remote(r types.Resource) bool {
	return r.Source != nil && *r.Source != "" && !strings.HasPrefix(*r.Source, "data:")
}

// contents decodes a data URL.
func contents(r types.Resource) ([]byte, error) {
	if r.Source == nil || *r.Source == "" {
		return nil, nil
	}
	u, err := dataurl.DecodeString(*r.Source)
	if err != nil {
		return nil, errors.New("its source is not a data URL") // which may have a secret
	}
	out := u.Data
	switch compression := value(r.Compression); compression {
	case "":
	case "gzip":
		if out, err = unpack(out); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("unknown compression %q", compression)
	}
	return out, verify(out, value(r.Verification.Hash))
}

func unpack(packed []byte) ([]byte, error) {
	in, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(in, maxContents+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("unpack: %w", err)
	case len(out) > maxContents:
		return nil, fmt.Errorf("more than %d bytes when unpacked", maxContents)
	}
	return out, nil
}

// verify compares contents with the hash of the config, which is of the unpacked file.
func verify(content []byte, want string) error {
	if want == "" {
		return nil
	}
	var got string
	switch kind, _, _ := strings.Cut(want, "-"); kind {
	case "sha512":
		sum := sha512.Sum512(content)
		got = "sha512-" + hex.EncodeToString(sum[:])
	case "sha256":
		sum := sha256.Sum256(content)
		got = "sha256-" + hex.EncodeToString(sum[:])
	default:
		return fmt.Errorf("unknown hash %q", kind)
	}
	if got != want {
		return errors.New("the contents do not have the hash of the config")
	}
	return nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
