package plan

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/okd-install/okd-install/pkg/testkit/golden"
)

const secretText = "PRIVATE KEY of the cluster"

func example() Plan {
	tag, disk := KeyOf(KindTag, "demo-x7k2p"), KeyOf(KindDisk, "demo-x7k2p-rhcos")
	tmp, tmpl := KeyOf(KindVM, "tmpvm-for-demo-x7k2p-rhcos"), KeyOf(KindTemplate, "demo-x7k2p-rhcos")
	group := KeyOf(KindAffinityGroup, "demo-x7k2p-controlplane")
	master := func(n int) Object {
		name := fmt.Sprintf("demo-x7k2p-master-%d", n)
		return Object{
			Key: KeyOf(KindVM, name), Kind: KindVM, Name: name, Stage: StageInfrastructure,
			Tags: []string{"demo-x7k2p"}, Needs: []Key{tag, tmpl, group},
			Spec: VM{
				Role: "master", ClusterID: "c-1", Template: "demo-x7k2p-rhcos", Type: "high_performance",
				OSType: "rhcos_x64", CPU: CPU{1, 4, 1}, MemoryMiB: 16348, DiskGiB: 120, VNICProfileID: "p-1",
				AffinityGroups: []string{"demo-x7k2p-controlplane"}, Clone: true, Start: true,
				Ignition: NewPayload([]byte(secretText)),
			},
		}
	}
	return Plan{Platform: "ovirt", InfraID: "demo-x7k2p", Objects: []Object{
		{Key: tag, Kind: KindTag, Name: "demo-x7k2p", Stage: StageImage, Spec: Tag{Description: "cluster demo"}},
		{Key: disk, Kind: KindDisk, Name: "demo-x7k2p-rhcos", Stage: StageImage, Needs: []Key{tag}, Until: tmpl,
			Spec: Disk{StorageDomainID: "s-1", Format: "cow", Sparse: true, Bytes: 16 << 30,
				Image: Image{SHA256: "abc", URL: "https://images/x.qcow2"}}},
		{Key: tmp, Kind: KindVM, Name: "tmpvm-for-demo-x7k2p-rhcos", Stage: StageImage, Tags: []string{"demo-x7k2p"},
			Needs: []Key{tag, disk}, Until: tmpl,
			Spec: VM{Role: "image", ClusterID: "c-1", Disk: disk, OSType: "rhcos_x64", Type: "server", VNICProfileID: "p-1"}},
		{Key: tmpl, Kind: KindTemplate, Name: "demo-x7k2p-rhcos", Stage: StageImage, Needs: []Key{tmp},
			Spec: Template{FromVM: tmp, OSType: "rhcos_x64"}},
		{Key: group, Kind: KindAffinityGroup, Name: "demo-x7k2p-controlplane", Stage: StageInfrastructure, Needs: []Key{tag},
			Spec: AffinityGroup{ClusterID: "c-1", Priority: 5, Enforcing: true}},
		master(0), master(1),
	}}
}

func keys(objects []Object) []string {
	out := make([]string, 0, len(objects))
	for _, o := range objects {
		out = append(out, string(o.Key))
	}
	return out
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Plan)
		want string
	}{
		{"good", func(*Plan) {}, ""},
		{"twice", func(p *Plan) { p.Objects = append(p.Objects, p.Objects[0]) }, "appears twice"},
		{"unknown need", func(p *Plan) { p.Objects[1].Needs = []Key{"vm/none"} }, "needs vm/none, which is not in the plan"},
		{"unknown until", func(p *Plan) { p.Objects[1].Until = "vm/none" }, "until vm/none"},
		{"cycle", func(p *Plan) { p.Objects[0].Needs = []Key{"template/demo-x7k2p-rhcos"} },
			"needs template/demo-x7k2p-rhcos, which comes after it"},
		{"later stage", func(p *Plan) { p.Objects[4].Stage = StageBootstrap }, "of the later stage bootstrap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := example()
			c.edit(&p)
			err := p.Validate()
			if got := fmt.Sprint(err); (c.want == "") != (err == nil) || !strings.Contains(got, c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func exampleDiff() Diff {
	return Compare(example(), []Found{
		{Kind: KindTag, Name: "demo-x7k2p", ID: "t1"},
		{Kind: KindTemplate, Name: "demo-x7k2p-rhcos", ID: "m1"},
		{Kind: KindVM, Name: "demo-x7k2p-master-0", ID: "v0",
			Differences: []Difference{{Field: "memory", Want: "16348 MiB", Have: "8192 MiB"}}},
		{Kind: KindVM, Name: "demo-x7k2p-master-7", ID: "v7"},
	})
}

func TestCompare(t *testing.T) {
	d := exampleDiff()
	create := []string{"affinity-group/demo-x7k2p-controlplane", "vm/demo-x7k2p-master-1"}
	if got := keys(d.Create); !cmp.Equal(got, create) {
		t.Errorf("create %v, want %v", got, create)
	}
	// The image's disk and its temporary machine are gone, and not missed: the template is there.
	match := []string{"tag/demo-x7k2p", "disk/demo-x7k2p-rhcos", "vm/tmpvm-for-demo-x7k2p-rhcos",
		"template/demo-x7k2p-rhcos"}
	if got := keys(d.Match); !cmp.Equal(got, match) {
		t.Errorf("match %v, want %v", got, match)
	}
	if len(d.Differ) != 1 || d.Differ[0].ID != "v0" {
		t.Errorf("differ %v, want master-0", d.Differ)
	}
	if len(d.Destroy) != 1 || d.Destroy[0].Name != "demo-x7k2p-master-7" {
		t.Errorf("destroy %v, want master-7", d.Destroy)
	}
	if Compare(Plan{}, nil).Empty() != true {
		t.Error("nothing planned and nothing found should be empty")
	}
}

func TestRenderGolden(t *testing.T) {
	for _, f := range Formats() {
		t.Run(string(f), func(t *testing.T) {
			var b bytes.Buffer
			if err := exampleDiff().Render(&b, f); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), "PRIVATE") {
				t.Error("the payload shows")
			}
			golden.Compare(t, "testdata/diff."+string(f), b.Bytes())
		})
	}
	if err := exampleDiff().Render(&bytes.Buffer{}, "yaml"); err == nil {
		t.Error("an unknown format should be refused")
	}
}

func TestPayloadHides(t *testing.T) {
	vm := VM{Ignition: NewPayload([]byte(secretText))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, vm); strings.Contains(got, "PRIVATE") || strings.Contains(got, "50524956") {
			t.Errorf("%s shows the payload: %s", verb, got)
		}
	}
}
