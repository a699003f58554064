package types_test

import (
	"testing"

	"github.com/okd-install/okd-install/pkg/types"
)

var imageRefused = []row{
	{"mirror of nothing", none, `imageDigestSources = [{mirrors: [mirror.test/okd]}]`,
		`imageDigestSources[0].source: Required value`},
	{"source with a tag", none, `imageDigestSources = [{source: "quay.io/okd/scos:latest"}]`,
		`imageDigestSources[0].source: Invalid value @ latest`},
	{"source with a digest", external, `imageDigestSources = [{source: "quay.io/okd/scos@sha256:$SUM"}]`,
		`imageDigestSources[0].source: Invalid value`},
	{"source with a scheme", none, `imageDigestSources = [{source: "https://quay.io/okd/scos"}]`,
		`imageDigestSources[0].source: Invalid value`},
	{"source without a registry", none, `imageDigestSources = [{source: okd/scos}]`,
		`imageDigestSources[0].source: Invalid value`},
	{"source in capitals", external, `imageDigestSources = [{source: quay.io/OKD/scos}]`,
		`imageDigestSources[0].source: Invalid value`},
	{"mirror with a tag", none, `imageDigestSources = [{source: quay.io/okd/scos, mirrors: [mirror.test/okd, ` +
		`"mirror.test/okd:4"]}]`, `imageDigestSources[0].mirrors[1]: Invalid value`},
	{"mirror that is empty", none, `imageDigestSources = [{source: quay.io/okd/scos, mirrors: [""]}]`,
		`imageDigestSources[0].mirrors[0]: Invalid value`},
	{"mirrors as text", external, `imageDigestSources = [{source: quay.io/okd/scos, mirrors: mirror.test/okd}]`,
		`imageDigestSources[0].mirrors: Invalid value`},
	{"policy of a source", none, `imageDigestSources = [{source: quay.io/okd/scos, sourcePolicy: Never}]`,
		`imageDigestSources[0].sourcePolicy: Unsupported value @ Never`},
	{"policy without mirrors", none, `imageDigestSources = [{source: quay.io/okd/scos, sourcePolicy: NeverContactSource}]`,
		`imageDigestSources[0].sourcePolicy: Invalid value @ NeverContactSource`},
	{"policy with an empty list of mirrors", external,
		`imageDigestSources = [{source: quay.io/okd, mirrors: [a.test/okd], sourcePolicy: AllowContactingSource}, ` +
			`{source: quay.io/okd/scos, mirrors: [], sourcePolicy: AllowContactingSource}]`,
		`imageDigestSources[1].sourcePolicy: Invalid value @ sourcePolicy: AllowContactingSource`},
	{"policy with mirrors that cannot be read", none,
		`imageDigestSources = [{source: quay.io/okd/scos, mirrors: a.test/okd, sourcePolicy: NeverContactSource}]`,
		`imageDigestSources[0].mirrors: Invalid value`},
	{"sources as a mapping", none, `imageDigestSources = {source: quay.io/okd/scos}`, `imageDigestSources: Invalid value`},
	{"old form with a tag", external, `imageContentSources = [{source: "quay.io/okd/scos:4"}]`,
		`imageContentSources[0].source: Invalid value`},
	{"old form with a policy", none, `imageContentSources = [{source: quay.io/okd/scos, sourcePolicy: ` +
		`NeverContactSource}]`, `imageContentSources[0].sourcePolicy: Invalid value`},
	{"both forms", none, `
		imageDigestSources = [{source: quay.io/okd/scos, mirrors: [mirror.test/okd]}]
		imageContentSources = [{source: quay.io/okd/scos, mirrors: [mirror.test/okd]}]`,
		`imageContentSources: Invalid value @ imageContentSources`},
	{"proxy of nothing", external, `proxy = {}`, `proxy: Required value @ proxy`},
	{"exceptions from no proxy", none, `proxy.noProxy = okd.test`, `proxy: Required value`},
	{"proxy by https", none, `proxy.httpProxy = https://proxy.test:3128`, `proxy.httpProxy: Unsupported value`},
	{"proxy by socks", external, `proxy.httpsProxy = socks5://proxy.test:1080`, `proxy.httpsProxy: Unsupported value`},
	{"proxy without a scheme", none, `proxy.httpProxy = proxy.test`, `proxy.httpProxy: Invalid value`},
	{"proxy without a host", none, `proxy.httpProxy = "http://"`, `proxy.httpProxy: Invalid value`},
	{"proxy with a broken password", external, `proxy.httpProxy = "http://u:hunter2%zz@proxy.test:3128"`,
		`proxy.httpProxy: Invalid value`},
	{"proxy in the cluster network", none, `proxy.httpProxy = http://10.128.0.5:3128`, `proxy.httpProxy: Invalid value`},
	{"proxy in the service network", none, `proxy.httpsProxy = http://172.30.0.5:3128`, `proxy.httpsProxy: Invalid value`},
	{"proxy in the join subnet", external, `
		networking.ovnKubernetesConfig.ipv4.internalJoinSubnet = 100.65.0.0/16
		proxy.httpProxy = http://100.65.0.5:3128`, `proxy.httpProxy: Invalid value`},
	{"exceptions with spaces", none, `proxy = {httpProxy: "http://proxy.test:3128", noProxy: "okd.test, 10.0.0.0/16"}`,
		`proxy.noProxy: Invalid value @ noProxy`},
	{"exceptions with wildcards", none, `proxy = {httpProxy: "http://proxy.test:3128", noProxy: "*.okd.test"}`,
		`proxy.noProxy: Invalid value`},
	{"exceptions with nothing between commas", external,
		`proxy = {httpProxy: "http://proxy.test:3128", noProxy: "okd.test,,a.test"}`, `proxy.noProxy: Invalid value`},
	{"two wrong exceptions", none, `proxy = {httpProxy: "http://proxy.test:3128", noProxy: "a_b,10.0.0.0/33"}`, `
		proxy.noProxy: Invalid value
		proxy.noProxy: Invalid value`},
}

var imageAccepted = []row{
	{"mirrors", none, `imageDigestSources = [{source: quay.io/okd/scos-release, mirrors: ` +
		`["mirror.test:5000/okd/release", mirror.test]}, {source: registry.test, sourcePolicy: NeverContactSource, ` +
		`mirrors: ["localhost/okd"]}]`, `
		imageDigestSources[0].mirrors[0] = "mirror.test:5000/okd/release"
		imageDigestSources[1].sourcePolicy = "NeverContactSource"`},
	{"mirror by IPv6 address", external, `imageDigestSources = [{source: quay.io/okd, mirrors: ["[fd00::5]:5000/okd"]}]`,
		``},
	{"old form", none, `imageContentSources = [{source: quay.io/okd/scos, mirrors: ["mirror.test:5000/okd"]}]`, `
		imageContentSources[0].source = "quay.io/okd/scos"
		imageDigestSources absent
		warns imageContentSources`},
	{"proxy", none, `proxy = {httpProxy: "http://u:hunter2@proxy.test:3128", httpsProxy: "https://10.9.0.1:3129", ` +
		`noProxy: "okd.test,.svc,10.0.0.0/16,10.0.0.7,fd00::/64,a.test."}`,
		`proxy.noProxy = "okd.test,.svc,10.0.0.0/16,10.0.0.7,fd00::/64,a.test."`},
	{"proxy switched off", external, `proxy = {httpsProxy: "http://proxy.test", noProxy: "*"}`, ``},
}

func TestImagesAndProxy(t *testing.T) {
	testRefused(t, types.Options{}, imageRefused)
	testAccepted(t, types.Options{}, imageAccepted)
}
