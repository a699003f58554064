package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/types"
)

var accessRefused = []row{
	{"no pull secret", none, `drop pullSecret`, `pullSecret: Required value`},
	{"empty pull secret", none, `pullSecret = " "`, `pullSecret: Required value @ pullSecret`},
	{"pull secret that is no JSON", external, `pullSecret = hunter2`, `pullSecret: Invalid value @ pullSecret`},
	{"pull secret cut off", none, `pullSecret = '{"auths":{"a":{"auth":"dXNlcjpwYXNzd29yZA'`, `pullSecret: Invalid value`},
	{"pull secret without quotes", none, `pullSecret = {"auths":{"a":{"auth":"dXNlcjpwYXNzd29yZA=="}}}`,
		`pullSecret: Invalid value`},
	{"pull secret with a list", external, `pullSecret = '{"auths":["dXNlcjpwYXNzd29yZA=="]}'`,
		`pullSecret: Invalid value`},
	{"pull secret without auths", none, `pullSecret = '{}'`, `pullSecret: Invalid value`},
	{"pull secret without registries", none, `pullSecret = '{"auths":{}}'`, `pullSecret: Invalid value`},
	{"registry without login", external, `pullSecret = '{"auths":{"registry.test:5000":{}}}'`,
		`pullSecret: Invalid value`},
	{"registry without login beside an unreadable one", external,
		`pullSecret = '{"auths":{"fake":{"auth":"bar"},"b":{}}}'`, `pullSecret: Invalid value`},
	{"two wrong logins", external, `pullSecret = '{"auths":{"a":{},"b":{}}}'`, `
		pullSecret: Invalid value
		pullSecret: Invalid value`},
	{"not an SSH key", none, `sshKey = ssh-rsa hunter2`, `sshKey: Invalid value @ ssh-rsa`},
	{"SSH key that may be a password", none, `sshKey = hunter2`, `sshKey: Invalid value`},
	{"private SSH key", external, `sshKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE ` +
		`KEY-----\n"`, `sshKey: Invalid value`},
	{"one wrong SSH key of two", none, `sshKey = "$ED25519\nssh-ed25519 AAAA\n"`, `sshKey: Invalid value`},
	{"SSH key as a list", none, `sshKey = [$ED25519]`, `sshKey: Invalid value`},
	{"SSH key that FIPS forbids", none, `
		fips = true
		sshKey = $ED25519`, `sshKey: Invalid value`},
	{"FIPS as a word", none, `fips = perhaps`, `fips: Invalid value @ perhaps`},
	{"FIPS as text", none, `fips = "true"`, `fips: Invalid value`},
	{"not a trust bundle", external, `additionalTrustBundle = hello`,
		`additionalTrustBundle: Invalid value @ hello`},
	{"trust bundle with a key", none, `additionalTrustBundle = $PRIVATE`, `additionalTrustBundle: Invalid value`},
	{"trust bundle with something behind it", none, `additionalTrustBundle = $OTHER`,
		`additionalTrustBundle: Invalid value`},
	{"trust bundle of nonsense", external, `additionalTrustBundle = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END ` +
		`CERTIFICATE-----\n"`, `additionalTrustBundle: Invalid value`},
	{"trust policy", none, `additionalTrustBundlePolicy = always`, `additionalTrustBundlePolicy: Invalid value @ always`},
}

var accessAccepted = []row{
	{"several logins", none, `pullSecret = ` +
		`'{"auths":{"a":{"auth":"dXNlcjpwYXNzd29yZA==","email":"x"},"b":{"credsStore":"desktop"}}}'`,
		`pullSecret = "(hidden)"`},
	{"login of OKD guides", none, `pullSecret = '{"auths":{"fake":{"auth":"bar"}}}'`, `warns pullSecret`},
	{"login not encoded", external, `pullSecret = '{"auths":{"registry.test:5000":{"auth":"user:hunter2"}}}'`,
		`warns pullSecret`},
	{"login without a password", none, `pullSecret = '{"auths":{"registry.test:5000":{"auth":"aHVudGVyMg=="}}}'`,
		`warns pullSecret`},
	{"login without padding", none, `pullSecret = ` +
		`'{"auths":{"registry.test:5000":{"auth":"dXNlcjpodW50ZXIy"},"b":{"auth":"YTpiYw"}}}'`, ``},
	{"SSH key", external, `sshKey = $ED25519 core@okd.test`, ``},
	{"SSH keys with comments", none, `sshKey = "# admins\n$ED25519\n\n$ECDSA\n$RSA\n"`, ``},
	{"SSH keys that FIPS allows", none, `
		fips = true
		sshKey = "$ECDSA\n$RSA\n"`, `fips = true`},
	{"FIPS in YAML of old", none, `fips = yes`, `fips = true`},
	{"no FIPS in YAML of old", none, `fips = off`, `fips absent`},
	{"trust bundle", none, `
		additionalTrustBundle = $TWOCERTS
		additionalTrustBundlePolicy = Always`, `additionalTrustBundlePolicy = "Always"`},
	{"trust bundle by default for the proxy", external, `additionalTrustBundle = $CERT`,
		`additionalTrustBundlePolicy = "Proxyonly"`},
}

func TestAccess(t *testing.T) {
	testRefused(t, types.Options{}, accessRefused)
	testAccepted(t, types.Options{}, accessAccepted)
}

// What a config is used for must be readable by every program of a host.
func TestUnreadableLoginsAreLeftOut(t *testing.T) {
	for _, logins := range []struct{ secret, want string }{
		{`{"auths":{"fake":{"auth":"bar"}}}`, `{"auths":{"fake":{"auth":"aWQ6cGFzcwo="}}}`},
		{`{"auths":{"fake":{"auth":"bar"},"a.test":{"auth":"dXNlcjpodW50ZXIy"}}}`,
			`{"auths":{"a.test":{"auth":"dXNlcjpodW50ZXIy"}}}`},
		{`{"auths":{"a.test":{"auth":"YTpiYw"}}}`, `{"auths":{"a.test":{"auth":"YTpiYw=="}}}`},
		{`{"auths": {"a.test": {"auth":"dXNlcjpodW50ZXIy"}}}`, `{"auths": {"a.test": {"auth":"dXNlcjpodW50ZXIy"}}}`},
	} {
		config := row{base: none, edits: "pullSecret = '" + logins.secret + "'"}.text(t)
		c, found := platforms.All().Load("c.yaml", []byte(config))
		if c == nil {
			t.Fatal(found.Err())
		}
		if got := c.PullSecret.Reveal(); got != logins.want {
			t.Errorf("%s became %s, want %s", logins.secret, got, logins.want)
		}
	}
}

// On a host that is not in FIPS mode.
var (
	fipsRefused = []row{
		{"host without FIPS", none, `fips = true`, `fips: Forbidden @ fips`},
		{"host without FIPS", ovirt, `fips = true`, `fips: Forbidden`},
	}
	fipsAccepted = []row{
		{"host without FIPS, said to be fine", none, `
			fips = true
			metadata.annotations = {a: b}`, `
			warns fips
			metadata.annotations = {"a":"b","install.openshift.io/hostcrypt-check-bypassed":"true"}`},
		{"nothing to be said", none, ``, `metadata.annotations absent`},
	}
)

func TestFIPSOfTheHost(t *testing.T) {
	testRefused(t, types.Options{Host: types.FIPSOff}, fipsRefused)
	testAccepted(t, types.Options{Host: types.FIPSOff, SkipHostCrypt: true}, fipsAccepted)
	testAccepted(t, types.Options{Host: types.FIPSOn},
		[]row{{"host with FIPS", none, `fips = true`, `metadata.annotations absent`}})
	testAccepted(t, types.Options{}, []row{{"host of which nothing is known", none, `fips = true`, ``}})
}
