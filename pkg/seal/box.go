package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// ErrWrongKey is the error for a file that was sealed with another key.
var ErrWrongKey = errors.New("it was encrypted with another key")

// version is the format of a sealed file.
const version = 1

// sealed is the content of a file. The data is encrypted with a data key, and
// the data key with the user's key. So the slow derivation of a key from a
// passphrase happens once, however often the file is written.
type sealed struct {
	Version int    `json:"okdInstallSealed"`
	Key     string `json:"key"`  // the data key, an age identity: age, armored
	Data    []byte `json:"data"` // age
}

// marker identifies a sealed file, near its beginning.
const marker = `"okdInstallSealed"`

// Sealed reports whether data is a sealed file.
func Sealed(data []byte) bool {
	return bytes.Contains(data[:min(len(data), 64)], []byte(marker))
}

// Box encrypts with a data key.
type Box struct {
	wrapped  string
	identity *age.X25519Identity
}

// NewBox makes a data key, which is encrypted with k.
func (k *Key) NewBox() (*Box, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("make a data key: %w", err)
	}
	var out bytes.Buffer
	text := armor.NewWriter(&out)
	if err := encrypt(text, []byte(identity.String()), k.recipients...); err != nil {
		return nil, err
	}
	if err := text.Close(); err != nil {
		return nil, err
	}
	return &Box{wrapped: out.String(), identity: identity}, nil
}

// Open decrypts a sealed file and returns its box as well, to write the file
// again. It fails with ErrWrongKey if k is not its key.
func (k *Key) Open(data []byte) (*Box, []byte, error) {
	var s sealed
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, nil, fmt.Errorf("read sealed file: %w", err)
	}
	if s.Version != version {
		return nil, nil, fmt.Errorf("read sealed file: unknown version %d, expected %d", s.Version, version)
	}
	text, err := decrypt(armor.NewReader(bytes.NewReader([]byte(s.Key))), k.identities...)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return nil, nil, ErrWrongKey
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open the data key: %w", err)
	}
	identity, err := age.ParseX25519Identity(string(text))
	if err != nil {
		return nil, nil, errors.New("open the data key: not an age identity")
	}
	plain, err := decrypt(bytes.NewReader(s.Data), identity)
	if err != nil {
		return nil, nil, fmt.Errorf("open the data: it is damaged: %w", err)
	}
	return &Box{wrapped: s.Key, identity: identity}, plain, nil
}

// Seal encrypts data.
func (b *Box) Seal(data []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := encrypt(&out, data, b.identity.Recipient()); err != nil {
		return nil, err
	}
	return json.Marshal(sealed{version, b.wrapped, out.Bytes()})
}

func encrypt(w io.Writer, data []byte, to ...age.Recipient) error {
	enc, err := age.Encrypt(w, to...)
	if err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	if _, err := enc.Write(data); err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	return enc.Close()
}

func decrypt(r io.Reader, with ...age.Identity) ([]byte, error) {
	dec, err := age.Decrypt(r, with...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(dec)
}
