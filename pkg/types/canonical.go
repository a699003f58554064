package types

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/okd-install/okd-install/pkg/pullsecret"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types/decode"
)

// Canonical encodes the config with its secrets, for hashing only.
func (c *InstallConfig) Canonical() []byte {
	out, err := json.Marshal(c)
	if err != nil {
		panic("types: encode install-config: " + err.Error()) // plain data always encodes
	}
	collectSecrets(reflect.ValueOf(c).Elem(), func(s secret.String) {
		out = fmt.Appendf(out, "%d:%s", len(s.Reveal()), s.Reveal())
	})
	return out
}

// Secrets are all secret values in the config, for redaction, including the logins and
// passwords inside the pull secret and URLs.
func (c *InstallConfig) Secrets() []secret.String {
	var out []secret.String
	collectSecrets(reflect.ValueOf(c).Elem(), func(s secret.String) {
		if !s.IsZero() {
			out = append(out, s)
		}
	})
	auths, _ := pullsecret.Parse(c.PullSecret.Reveal())
	for _, host := range slices.Sorted(maps.Keys(auths)) {
		login := auths[host].Auth
		out = append(out, secret.New(login))
		if _, password, ok := pullsecret.Decode(login); ok {
			out = append(out, secret.New(password))
		}
	}
	if c.Proxy != nil {
		out = append(out, secret.InURL(c.Proxy.HTTPProxy)...)
		out = append(out, secret.InURL(c.Proxy.HTTPSProxy)...)
	}
	if p, ok := c.Platform.Settings.(interface{ URLs() []string }); ok { // which may have a login in them
		for _, u := range p.URLs() {
			out = append(out, secret.InURL(u)...)
		}
	}
	return out
}

func collectSecrets(v reflect.Value, found func(secret.String)) {
	switch part := v.Interface().(type) {
	case secret.String:
		found(part)
		return
	case decode.Parts:
		for _, settings := range part.All() {
			collectSecrets(reflect.ValueOf(settings), found)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			collectSecrets(v.Elem(), found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collectSecrets(v.Index(i), found)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				collectSecrets(v.Field(i), found)
			}
		}
	}
}
