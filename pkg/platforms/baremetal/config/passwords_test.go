package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/okd-install/okd-install/pkg/secret"
)

const withPasswords = `apiVersion: v1
metadata: {name: demo} # the old password was geheim0
platform:
  baremetal:
    hosts:
    - name: a
      bmc: {address: "redfish://a", username: admin, password: geheim1}
    - name: b
      bmc: &b
        address: redfish://b
        username: root
        password: "geheim\n2: {"
    - name: c
      bmc: {<<: *b, address: redfish://c}
    - name: d
      bmc:
        address: redfish://d
        username: root
        password: |-
          geheim3
           and more
    - {name: e, bmc: *b}
version: 4.10
`

func TestPasswords(t *testing.T) {
	blank, any := BlankPasswords([]byte(withPasswords))
	if !any || bytes.Contains(blank, []byte("geheim")) || !bytes.Contains(blank, []byte("version: 4.10")) {
		t.Fatalf("%v\n%s", any, blank)
	}
	passwords, err := Passwords([]byte(withPasswords))
	if err != nil || len(passwords) != 4 || passwords["redfish://b"].Reveal() != "geheim\n2: {" ||
		passwords["redfish://d"].Reveal() != "geheim3\n and more" {
		t.Fatalf("%d passwords, %v", len(passwords), err)
	}
	filled, err := FillPasswords(blank, func(address, user string) (secret.String, error) {
		if user == "" {
			t.Errorf("%s has no user", address)
		}
		return passwords[address], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var was, is settings
	if err := errors.Join(yaml.Unmarshal([]byte(withPasswords), &was), yaml.Unmarshal(filled, &is)); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(was) != fmt.Sprint(is) {
		t.Errorf("filled\n%v\nis not\n%v", is, was)
	}
	// Who does not know a password says so.
	unknown := errors.New("unknown")
	nobody := func(string, string) (secret.String, error) { return secret.String{}, unknown }
	if _, err := FillPasswords(blank, nobody); !errors.Is(err, unknown) {
		t.Error(err)
	}
	// Other texts stay as they are.
	for _, text := range []string{"platform: {none: {}}\n", blankless} {
		if out, any := BlankPasswords([]byte(text)); any || string(out) != text {
			t.Errorf("%v\n%s", any, out)
		}
	}
	if out, any := BlankPasswords([]byte("a: [")); !any || out != nil {
		t.Errorf("%v, %q", any, out)
	}
}

type settings map[string]any

const blankless = "platform: {baremetal: {hosts: [{name: a, bmc: {address: x, password: ''}}]}} # comment\n"

func FuzzBlankPasswords(f *testing.F) {
	f.Add([]byte(withPasswords))
	f.Add([]byte("platform: {baremetal: {hosts: [{bmc: {password: [geheim]}}, {bmc: &a {<<: [*a]}}]}}"))
	f.Add([]byte("{platform: {<<: {baremetal: {hosts: [{<<: {bmc: {password: geheim}}}]}}}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		blank, any := BlankPasswords(text)
		if !any || blank == nil {
			return
		}
		if left, err := Passwords(blank); err != nil || len(left) > 0 {
			t.Errorf("%d passwords are left, %v:\n%s", len(left), err, strings.ToValidUTF8(string(blank), "?"))
		}
	})
}
