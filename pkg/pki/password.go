package pki

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// RandomText returns n random characters of an ASCII alphabet, uniformly chosen.
func RandomText(alphabet string, n int) (string, error) {
	size := big.NewInt(int64(len(alphabet)))
	out := make([]byte, n)
	for i := range out {
		at, err := rand.Int(rand.Reader, size)
		if err != nil {
			return "", fmt.Errorf("read randomness: %w", err)
		}
		out[i] = alphabet[at.Int64()]
	}
	return string(out), nil
}

// passwordChars has no characters that look alike.
const passwordChars = "abcdefghijkmnopqrstuvwxyzABCDEFGHIJKLMNPQRSTUVWXYZ23456789"

// NewPassword makes a password such as Abcde-fghij-Kmnop-qrstu.
func NewPassword() (string, error) {
	var groups [4]string
	for i := range groups {
		text, err := RandomText(passwordChars, 5)
		if err != nil {
			return "", fmt.Errorf("make password: %w", err)
		}
		groups[i] = text
	}
	return strings.Join(groups[:], "-"), nil
}

// HashPassword returns the bcrypt hash of a password of at most 72 bytes.
func HashPassword(password string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return string(hash), nil
}
