package pki

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/blowfish" //nolint:staticcheck // bcrypt is made of it
)

// NewPassword makes a password of four groups of five characters, without those
// that look alike.
func NewPassword(r io.Reader) (string, error) {
	const chars = "abcdefghijkmnopqrstuvwxyzABCDEFGHIJKLMNPQRSTUVWXYZ23456789"
	out := make([]byte, 0, 23)
	for buf := make([]byte, 1); len(out) < cap(out); {
		if n := len(out); n == 5 || n == 11 || n == 17 {
			out = append(out, '-')
			continue
		}
		if _, err := io.ReadFull(r, buf); err != nil {
			return "", fmt.Errorf("read randomness for a password: %w", err)
		}
		if limit := 256 / len(chars) * len(chars); int(buf[0]) < limit { // else some would be likelier
			out = append(out, chars[int(buf[0])%len(chars)])
		}
	}
	return string(out), nil
}

// HashPassword returns the bcrypt hash of a password. It differs from the one
// in x/crypto only in that the salt comes from r, which keeps rendering
// reproducible.
func HashPassword(r io.Reader, password string) (string, error) {
	const cost = 10
	enc := base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)
	salt := make([]byte, 16)
	if _, err := io.ReadFull(r, salt); err != nil {
		return "", fmt.Errorf("read randomness for a salt: %w", err)
	}
	key := append([]byte(password), 0)
	c, err := blowfish.NewSaltedCipher(key, salt)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	for range 1 << cost {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(salt, c)
	}
	text := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < len(text); i += 8 {
		for range 64 {
			c.Encrypt(text[i:i+8], text[i:i+8])
		}
	}
	return fmt.Sprintf("$2a$%02d$%s%s", cost, enc.EncodeToString(salt), enc.EncodeToString(text[:23])), nil
}

// NewUUID returns a random (version 4) UUID.
func NewUUID(r io.Reader) (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("read randomness for a UUID: %w", err)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", binary.BigEndian.Uint32(b), b[4:6], b[6:8], b[8:10], b[10:]), nil
}
