package types_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

// FuzzLoad looks for files that make the installer panic, contradict itself, or
// break the form of its messages. That these show no secret is for the tables:
// here any text gets anywhere.
func FuzzLoad(f *testing.F) {
	for _, base := range bases {
		f.Add([]byte(base))
	}
	for i, rows := range allRows {
		for j, r := range rows {
			if (i+j)%5 == 0 { // the others differ little
				f.Add([]byte(r.text(f)))
			}
		}
	}
	for _, text := range []string{
		"", "\x00", "\xff\xfe", "- a\n", "~", "--- \n---\n", "? [a]\n: b\n", "{", "&a *a", "%YAML 9.9\n---\n",
		"a: &a [*a, *a]\n", "a: &a {b: *a}\n", "<<: &m {<<: *m}\n", "metadata: &m {<<: [*m, *m]}\n",
		"x: &x [a,a,a]\ny: &y [*x,*x,*x]\nmetadata: {ownerReferences: [*y,*y,*y]}\n",
		"networking: &n {clusterNetwork: [{cidr: ::/0, hostPrefix: -3}]}\nplatform: {baremetal: {hosts: [{networkConfig: " +
			"{a: *n}}]}}\n",
		"platform: {ovirt: {api_vips: [::1, 1.1.1.1, 2]}}\ncompute: [{}, null]\ncontrolPlane: {replicas: " +
			"99999999999999999999}\n",
		"platform: {baremetal: {provisioningNetworkCIDR: 255.255.255.255/32, hosts: [{bmc: {address: 'redfish://%zz'}}]}}\n",
		"platform: {baremetal: {provisioningNetworkCIDR: '::/0', apiVIPs: ['']}}\n",
		"networking: {ovnKubernetesConfig: {ipv4: {internalJoinSubnet: 0.0.0.0/0}}, clusterNetwork: [{cidr: 0.0.0.0/0, " +
			"hostPrefix: 32}]}\n",
		"networking: {clusterNetwork: [{cidr: 10.0.0.0/8, hostSubnetLength: -9223372036854775808}]}\n",
		"metadata: {ownerReferences: [.nan, .inf, 0x10, 0o17, 1_000, 1e400, 2001-01-01, !!binary aGk=, !x y]}\n",
		"platform: {none: {}}\nnetworking: " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "\n",
		"proxy: {httpProxy: 'http://[::1%25eth0]:3128'}\nimageDigestSources: [{source: '" + strings.Repeat("a.", 500) +
			"'}]\n",
		"sshKey: \"\\0\\x85\\u2028\"\nadditionalTrustBundle: \"-----BEGIN\"\npullSecret: '{\"auths\":{\"a\":null}}'\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, o := range []types.Options{{},
			{AllowUnknown: true, Host: types.FIPSOff, SkipHostCrypt: true, Agent: true,
				Lookup: func(string) []netip.Addr { return []netip.Addr{{}} }}} {
			c, r := load(o, string(data))
			if (c == nil) != r.Failed() {
				t.Fatalf("config %v, failed %v", c != nil, r.Failed())
			}
			for _, l := range append(r.Lines(false), r.Lines(true)...) {
				if strings.ContainsAny(l, "\n\r") || !strings.HasPrefix(l, "c.yaml") {
					t.Fatalf("message %q", l)
				}
			}
			if c != nil {
				c.Secrets()
				if first, again := c.Canonical(), c.Canonical(); !bytes.Equal(first, again) {
					t.Fatal("the same config has other bytes")
				}
			}
		}
	})
}
