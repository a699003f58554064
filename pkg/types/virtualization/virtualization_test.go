package virtualization_test

import (
	"errors"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

// Without a file the defaults count.
func TestFitWithoutFile(t *testing.T) {
	var none *virtualization.Config
	c, found := none.Fit("demo/virtualization.yaml", single)
	if c == nil || len(found.Findings()) > 0 || !*c.Enabled || c.APIVersion != virtualization.APIVersion ||
		c.Storage.Class != "hostpath-csi" || c.HyperConverged.EvictionStrategy != "None" {
		t.Fatalf("%+v, %v", c, found.Findings())
	}
	_, found = none.Fit("demo/virtualization.yaml", two)
	if got := found.Lines(true); len(got) != 1 || !strings.HasPrefix(got[0], "demo/virtualization.yaml: storage.type: ") {
		t.Errorf("warnings %q", got)
	}
}

// Fit leaves the config alone, and its result has nothing left to fit.
func TestFitCopies(t *testing.T) {
	const text = head + `storage: {class: shared}
hyperConverged: {workloads: {nodeSelector: {vms: ""}, affinity: {podAffinity: {}}}, featureGates: {alignCPUs: true}}
goldenImages: {sources: [{name: a, image: quay.io/containerdisks/a}], disable: [fedora]}
hostNetwork: [{name: a, vlans: [{base: eno2, id: 5}]}]
networks: [{name: a, localnet: {subnets: [192.0.2.0/24]}}, {name: b, sriov: {resourceName: a, vfs: 2, vendor: "8086"}}]
availability: {nodeHealthCheck: {}, descheduler: {}}
backup: {bucket: abc, url: "https://s3.test", credentials: {secretName: a}}
migration: {providers: [{name: a, type: vsphere, url: "https://vc.test/sdk", credentials: {secretName: a}}]}
pipelines: {namespaces: [a], tasksFile: b}
`
	load := func() *virtualization.Config {
		c, found := virtualization.Load(virtualization.File, []byte(text))
		if c == nil {
			t.Fatal(found.Err())
		}
		return c
	}
	c := load()
	k := mirrored("quay.io/containerdisks", "quay.io/okderators")
	once, found := c.Fit(virtualization.File, k)
	if once == nil {
		t.Fatal(found.Err())
	}
	if before, after := lookup(t, load(), ""), lookup(t, c, ""); before != after {
		t.Errorf("Fit has changed the config:\n%s\n%s", before, after)
	}
	twice, found := once.Fit(virtualization.File, k)
	if twice == nil {
		t.Fatal(found.Err())
	}
	if a, b := lookup(t, once, ""), lookup(t, twice, ""); a != b {
		t.Errorf("the second Fit differs:\n%s\n%s", a, b)
	}
	once.GoldenImages.Sources[0].Name, once.HyperConverged.Workloads.NodeSelector["more"] = "z", ""
	once.Availability.Descheduler.Mode, once.Networks[0].Localnet.MTU = "z", 9
	if before, after := lookup(t, load(), ""), lookup(t, c, ""); before != after {
		t.Errorf("the result shares parts with the config:\n%s\n%s", before, after)
	}
}

func TestReadFiles(t *testing.T) {
	const text = head + `backup: {bucket: abc, url: "https://s3.test", credentials: {file: s3}}
migration:
  providers:
  - {name: a, type: vsphere, url: "https://vc.test/sdk", insecureSkipVerify: true,
     credentials: {username: u, passwordFile: pw}}
  - {name: b, type: vsphere, url: "https://vb.test/sdk", credentials: {secretName: s}}
pipelines: {namespaces: [a], tasksFile: tasks, tektonFile: tekton}
`
	files := map[string]string{
		"s3": "# mine\n[other]\naws_access_key_id = no\n[default]\naws_access_key_id = AKIA\n" +
			"aws_secret_access_key=a/b=c==\nregion = eu\n",
		"pw": "correct horse\r\nmore\n", "tasks": "kind: Task\n", "tekton": "kind: Tekton\n",
	}
	read := func(path string) ([]byte, error) {
		content, ok := files[path]
		if !ok {
			return nil, errors.New("no such file")
		}
		return []byte(content), nil
	}
	c, found := virtualization.Load(virtualization.File, []byte(text))
	if c == nil {
		t.Fatal(found.Err())
	}
	if c, found = c.Fit(virtualization.File, three); c == nil {
		t.Fatal(found.Err())
	}
	if found = c.ReadFiles(read); len(found.Findings()) > 0 {
		t.Fatal(found.Lines(false))
	}
	want := []secret.String{secret.New("a/b=c=="), secret.New("correct horse")}
	if got := c.Secrets(); !reflect.DeepEqual(got, want) || c.Backup.Credentials.AccessKeyID != "AKIA" {
		t.Errorf("key %q, secrets %q", c.Backup.Credentials.AccessKeyID, got[0].Reveal())
	}
	if string(c.Pipelines.Tasks()) != files["tasks"] || string(c.Pipelines.Tekton()) != files["tekton"] {
		t.Errorf("manifests %q and %q", c.Pipelines.Tasks(), c.Pipelines.Tekton())
	}

	files["s3"] = "[other]\naws_access_key_id = no\naws_secret_access_key = no\n"
	files["pw"], files["tasks"] = "\nx\n", " \n"
	files["tekton"] = strings.Repeat("x", virtualization.MaxFile+1)
	got := c.ReadFiles(read).Lines(false)
	for i, at := range []string{
		":3:67: backup.credentials.file: ", ":7:47: migration.providers[0].credentials.passwordFile: ",
		":9:41: pipelines.tasksFile: ", ":9:60: pipelines.tektonFile: ",
	} {
		if len(got) != 4 || !strings.HasPrefix(got[i], virtualization.File+at) {
			t.Fatalf("findings %q", got)
		}
	}
	clear(files)
	if got := c.ReadFiles(read).Lines(false); len(got) != 4 || !strings.HasSuffix(got[0], `"s3": no such file`) {
		t.Errorf("findings %q", got)
	}
}

// No operator's catalog is asked for by a config without add-ons.
func TestAddOns(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"storage: {class: a}\n": "",
		"hostNetwork: [{name: a, bridges: [{name: br1}]}]\n": "kubernetes-nmstate-operator of hostNetwork",
		"networks: [{name: a, localnet: {}}, {name: b, sriov: {resourceName: a, vfs: 1, vendor: '8086'}}]\n" +
			"availability: {descheduler: {}}\n": "sriov-network-operator of networks[1].sriov, " +
			"cluster-kube-descheduler-operator of availability.descheduler",
		"storage: {lvm: {devices: [/dev/md0]}}\n" +
			"backup: {bucket: abc, region: eu, credentials: {secretName: a}}\n": "lvms-operator of storage.type, " +
			"oadp-operator of backup",
	} {
		c, found := virtualization.Load(virtualization.File, []byte(head+text))
		if c == nil {
			t.Fatal(found.Err())
		}
		var got []string
		for _, a := range c.AddOns() {
			got = append(got, a.Package+" of "+a.Field.String())
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %s", text, got, want)
		}
	}
}

func TestCommunityIndex(t *testing.T) {
	for release, want := range map[string]string{
		"4.21.0-okd-scos.3": "registry.access.redhat.com/redhat/community-operator-index:v4.21", "": "", "latest": "",
	} {
		if got := virtualization.CommunityIndex(release); got != want {
			t.Errorf("%s: %s", release, got)
		}
	}
}

// examples are the example of the documentation with each group of fields that are comments in it.
func examples(t testing.TB) [][]byte {
	t.Helper()
	text, err := os.ReadFile("../../../docs/user/examples/virtualization/virtualization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := [][]byte{text}
	for _, at := range regexp.MustCompile(`(?m)^ *#[A-Za-z].*\n(?:^ *#(?:[A-Za-z]|-|  ).*\n)*`).FindAllIndex(text, -1) {
		group := regexp.MustCompile(`(?m)^( *)#`).ReplaceAll(text[at[0]:at[1]], []byte("$1"))
		out = append(out, slices.Concat(text[:at[0]], group, text[at[1]:]))
	}
	return out
}

func TestExamples(t *testing.T) {
	list := examples(t)
	if len(list) < 25 {
		t.Errorf("only %d examples", len(list))
	}
	for _, text := range list {
		c, found := virtualization.Load(virtualization.File, text)
		if c != nil {
			_, found = c.Fit(virtualization.File, three)
		}
		if found.Failed() {
			t.Errorf("%v", found.Err())
		}
	}
}

// FuzzLoad looks for files that make the installer panic, contradict itself, change under a second Fit, or break the
// form of its messages.
func FuzzLoad(f *testing.F) {
	for _, text := range examples(f) {
		f.Add(text)
	}
	for _, text := range []string{
		"\x00", head + "networks: &n [*n]\n", head + "networks: [null, ~, {}]\n",
		head + "hostNetwork: [{bonds: [{}], vlans: [{}]}]\n",
		head + "networks: [{localnet: {subnets: [::/0], excludeSubnets: [0.0.0.0/0]}}]\n",
		head + "hyperConverged: {workloads: {affinity: {a: [1, {b: null}]}}}\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, found := virtualization.Load(virtualization.File, data)
		if (c == nil) != found.Failed() {
			t.Fatalf("config %v, failed %v", c != nil, found.Failed())
		}
		checkLines(t, found)
		if c == nil {
			return
		}
		for _, k := range []virtualization.Cluster{single, nested, nearer, at("4.18.0"), at("")} {
			once, found := c.Fit(virtualization.File, k)
			if (once == nil) != found.Failed() {
				t.Fatalf("config %v, failed %v", once != nil, found.Failed())
			}
			checkLines(t, found)
			if once == nil {
				continue
			}
			twice, found := once.Fit(virtualization.File, k)
			if twice == nil {
				t.Fatalf("the result does not fit: %v", found.Err())
			}
			if a, b := lookup(t, once, ""), lookup(t, twice, ""); a != b {
				t.Errorf("the second Fit differs:\n%s\n%s", a, b)
			}
		}
	})
}

// FuzzReadFiles looks for files with logins that make the installer panic or that it takes without a login.
func FuzzReadFiles(f *testing.F) {
	f.Add([]byte("[default]\naws_access_key_id = a\naws_secret_access_key = b\n"))
	f.Add([]byte("[ default ]\n aws_secret_access_key\n=\n[]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &virtualization.Config{Backup: &virtualization.Backup{Credentials: virtualization.S3Credentials{File: "a"}}}
		found := c.ReadFiles(func(string) ([]byte, error) { return data, nil })
		login := c.Backup.Credentials
		if found.Failed() == (login.AccessKeyID != "" && !login.SecretAccessKey.IsZero()) {
			t.Errorf("%v, %q", found.Err(), login.AccessKeyID)
		}
		if strings.ContainsAny(login.AccessKeyID+login.SecretAccessKey.Reveal(), "\n") {
			t.Errorf("a login of several lines")
		}
	})
}
