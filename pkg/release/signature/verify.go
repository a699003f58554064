package signature

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// maxMessage bounds a signature; real ones have some hundred bytes. What is in it
// may be compressed.
const maxMessage = 1 << 20

// kind is what a message has to say that it is, so that none which was signed for
// another purpose counts.
const kind = "atomic container signature"

// Verify reports who signed the image with this digest, at the given time. It
// fails for a message that nobody in the keyring signed, and for one about
// anything else.
func (k Keyring) Verify(message []byte, digest string, now time.Time) (Signed, error) {
	if len(message) > maxMessage {
		return Signed{}, errors.New("it is larger than any signature")
	}
	var in io.Reader = bytes.NewReader(message)
	if bytes.HasPrefix(message, []byte("-----BEGIN ")) {
		block, err := armor.Decode(in)
		if err != nil {
			return Signed{}, fmt.Errorf("its armor is damaged: %w", err)
		}
		in = block.Body
	}
	md, err := openpgp.ReadMessage(in, k.keys, nil, &packet.Config{Time: func() time.Time { return now }})
	if err != nil {
		return Signed{}, fmt.Errorf("it is not a signed OpenPGP message: %w", err)
	}
	// Only at the end of the content is it known whether the signature is good.
	content, err := io.ReadAll(io.LimitReader(md.UnverifiedBody, maxMessage+1))
	switch {
	case err != nil:
		return Signed{}, fmt.Errorf("it cannot be verified: %w", err)
	case len(content) > maxMessage:
		return Signed{}, errors.New("it is larger than any signature")
	case !md.IsSigned:
		return Signed{}, errors.New("it is not signed")
	case md.SignedBy == nil:
		return Signed{}, fmt.Errorf("it was made with key %016X, which the release key file does not have", md.SignedByKeyId)
	case md.SignatureError != nil:
		return Signed{}, fmt.Errorf("it is not good: %w", md.SignatureError)
	case md.Signature == nil:
		return Signed{}, errors.New("it cannot be verified")
	}
	if err := about(content, digest); err != nil {
		return Signed{}, err
	}
	return Signed{By: fingerprint(md.SignedBy.Entity), At: md.Signature.CreationTime.UTC()}, nil
}

// about checks what was signed.
func about(content []byte, digest string) error {
	var claim struct {
		Critical struct {
			Type  string `json:"type"`
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	if err := json.Unmarshal(content, &claim); err != nil {
		return errors.New("what was signed is not about an image")
	}
	switch {
	case claim.Critical.Type != kind:
		return fmt.Errorf("what was signed is not an %s", kind)
	case claim.Critical.Image.Digest != digest:
		return fmt.Errorf("it was made for another image, %.80q", claim.Critical.Image.Digest)
	}
	return nil
}
