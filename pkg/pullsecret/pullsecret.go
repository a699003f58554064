// Package pullsecret reads the logins in a pull secret, which has the format of
// ~/.docker/config.json, and repairs those that some programs reject.
package pullsecret

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Errors of pull secrets that cannot be read. They quote nothing of the secret.
var (
	ErrForm  = errors.New("must be JSON with the key auths")
	ErrEmpty = errors.New("auths must name at least one registry")
)

// Login is the entry of a registry.
type Login struct {
	Auth       string `json:"auth"`
	CredsStore string `json:"credsStore"`
}

// placeholder is the login of a secret without usable logins, because programs
// reject a secret without entries. No image comes from a registry of this name.
const placeholder = `{"auth":"aWQ6cGFzcwo="}`

const placeholderHost = "fake"

// Parse reads the entries of a pull secret, by registry.
func Parse(text string) (map[string]Login, error) {
	var doc struct {
		Auths map[string]Login `json:"auths"`
	}
	if json.Unmarshal([]byte(text), &doc) != nil { // its error would quote the secret
		return nil, ErrForm
	}
	if len(doc.Auths) == 0 {
		return nil, ErrEmpty
	}
	return doc.Auths, nil
}

// Decode reads the auth of an entry, user:password in base64. It also accepts
// what only some programs do: missing padding, and surrounding space.
func Decode(auth string) (user, password string, ok bool) {
	auth = strings.TrimRight(strings.TrimSpace(auth), "=")
	plain, err := base64.RawStdEncoding.DecodeString(auth)
	if err != nil {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(plain), ":")
	return user, password, ok && user != ""
}

// Repair returns a pull secret that every program accepts, and the registries whose
// login was dropped because it cannot be decoded. Many guides to OKD have
// {"auths":{"fake":{"auth":"bar"}}}, for which oc and podman reject the whole
// file since 4.14. Images of a dropped registry are pulled without a login. A
// secret without faults is returned unchanged, byte for byte.
func Repair(text string) (repaired string, dropped []string, err error) {
	logins, err := Parse(text)
	if err != nil {
		return "", nil, err
	}
	recoded := map[string]string{}
	for _, host := range slices.Sorted(maps.Keys(logins)) {
		auth := logins[host].Auth
		if auth == "" {
			continue
		}
		user, password, ok := Decode(auth)
		switch coded := base64.StdEncoding.EncodeToString([]byte(user + ":" + password)); {
		case !ok:
			dropped = append(dropped, host)
		case coded != auth:
			recoded[host] = coded
		}
	}
	if len(dropped) == 0 && len(recoded) == 0 {
		return text, nil, nil
	}
	repaired, err = rewrite(text, dropped, recoded)
	return repaired, dropped, err
}

// rewrite changes entries and keeps everything else.
func rewrite(text string, dropped []string, recoded map[string]string) (string, error) {
	var doc map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &doc) != nil {
		return "", ErrForm
	}
	key := keyLike(doc, "auths")
	var entries map[string]json.RawMessage
	if json.Unmarshal(doc[key], &entries) != nil {
		return "", ErrForm
	}
	for _, host := range dropped {
		delete(entries, host)
	}
	for host, auth := range recoded {
		var entry map[string]json.RawMessage
		if json.Unmarshal(entries[host], &entry) != nil {
			return "", ErrForm
		}
		entry[keyLike(entry, "auth")] = json.RawMessage(`"` + auth + `"`)
		raw, err := json.Marshal(entry)
		if err != nil {
			return "", fmt.Errorf("encode the login for %s: %w", host, err)
		}
		entries[host] = raw
	}
	if len(entries) == 0 {
		entries[placeholderHost] = json.RawMessage(placeholder)
	}
	raw, err := json.Marshal(entries)
	if err != nil {
		return "", fmt.Errorf("encode the logins: %w", err)
	}
	doc[key] = raw
	out, err := json.Marshal(doc)
	return string(out), err
}

// keyLike finds the key that Go's decoder, which ignores case, takes for want. It
// prefers the exact one. Of several others the decoder takes the last in the
// text, an order that a map does not keep.
func keyLike(object map[string]json.RawMessage, want string) string {
	if _, exact := object[want]; exact {
		return want
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if strings.EqualFold(key, want) {
			return key
		}
	}
	return want
}
