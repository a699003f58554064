// Package pullsecret reads the logins of image registries, as they are in pull
// secrets and in ~/.docker/config.json, and mends those that not every reader
// takes.
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

// Errors of secrets that cannot be read. They quote nothing of the secret.
var (
	ErrForm  = errors.New("must be JSON with the key auths")
	ErrEmpty = errors.New("auths must name at least one registry")
)

// Login is the entry of a registry.
type Login struct {
	Auth       string `json:"auth"`
	CredsStore string `json:"credsStore"`
}

// placeholder is what a secret without any usable login becomes: readers refuse
// one without entries. Nothing is pulled from a registry of this name.
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

// Decode reads the auth of an entry: the base64 form of user:password. It also
// takes what only some readers do, without padding or with space around it.
func Decode(auth string) (user, password string, ok bool) {
	auth = strings.TrimRight(strings.TrimSpace(auth), "=")
	plain, err := base64.RawStdEncoding.DecodeString(auth)
	if err != nil {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(plain), ":")
	return user, password, ok && user != ""
}

// Mend returns a pull secret on which no reader fails, and the registries whose
// login was dropped because nobody can read it. Many guides to OKD have
// {"auths":{"fake":{"auth":"bar"}}}, and since 4.14 oc and podman refuse the
// whole file for it. Without an entry its registry is asked without a login,
// which is all that is left of a login that cannot be read. A secret in which
// nothing is wrong stays as it is, byte for byte.
func Mend(text string) (mended string, dropped []string, err error) {
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
	mended, err = rewrite(text, dropped, recoded)
	return mended, dropped, err
}

// rewrite changes entries and leaves all else as it is.
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

// keyLike is the key of an object that Go's decoder takes for the one wanted: of
// several that differ in case only, the last in the text, which is not known any
// more. The exact one goes first.
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
