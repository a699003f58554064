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

// maxMessage limits a signature and its unpacked content (bytes). Real ones have a few hundred bytes.
const maxMessage = 1 << 20

// kind is the type of a signature's content. Messages that were signed for another purpose are not accepted.
const kind = "atomic container signature"

// Verify returns who signed the image with this digest. It fails unless the message is about this image and was
// signed by a key of the keyring that is valid at the time now.
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
	// The signature is verified at the end of the content.
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
		return Signed{}, fmt.Errorf("the signature is bad: %w", md.SignatureError)
	case md.Signature == nil:
		return Signed{}, errors.New("it cannot be verified")
	}
	if err := checkContent(content, digest); err != nil {
		return Signed{}, err
	}
	return Signed{By: fingerprint(md.SignedBy.Entity), At: md.Signature.CreationTime.UTC()}, nil
}

func checkContent(content []byte, digest string) error {
	var claim struct {
		Critical struct {
			Type  string `json:"type"`
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	if err := json.Unmarshal(content, &claim); err != nil {
		return errors.New("the signed content is not about an image")
	}
	switch {
	case claim.Critical.Type != kind:
		return fmt.Errorf("the signed content is not an %s", kind)
	case claim.Critical.Image.Digest != digest:
		return fmt.Errorf("it was made for another image, %.80q", claim.Critical.Image.Digest)
	}
	return nil
}
