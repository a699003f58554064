package versions

import (
	"slices"
	"testing"
)

func parse(t *testing.T, texts ...string) (list []Version) {
	t.Helper()
	for _, text := range texts {
		v, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

func TestOrder(t *testing.T) {
	want := []string{
		"4.9.0-okd-scos.3", "4.20.0-okd-scos.ec.14", "4.20.0-okd-scos.rc.1", "4.20.0-okd-scos.2", "4.20.0-okd-scos.17",
		"4.22.0-okd-scos.10", "5.0.0-okd-scos.ec.3", "5.0.0-okd-scos.0", "5.0.0-okd-scos.1", "5.0.0", "5.0.1-okd-scos.0",
	}
	list := parse(t, want...)
	slices.Reverse(list)
	slices.SortFunc(list, Compare)
	for i, v := range list {
		if v.String() != want[i] {
			t.Errorf("place %d has %s, want %s", i, v, want[i])
		}
	}
}

func TestCandidate(t *testing.T) {
	for text, want := range map[string]bool{
		"5.0.0-okd-scos.1": false, "5.0.0-okd-scos.ec.1": true, "4.21.0-okd-scos.rc.0": true,
		"4.20.0-okd-lab.1": false, "4.20.0-0.okd-scos-2026-01-02-030405": false,
		"4.20.0-0.nightly-2026-01-02-030405": true, "4.22.0-rc.1": true, "4.19.0": false,
	} {
		if got := parse(t, text)[0].Candidate(); got != want {
			t.Errorf("%s is a candidate: %v, want %v", text, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, bad := range []string{
		"", "5", "5.0", "v5.0.0", "latest", "5.0.x", "5.0.0-", "99999999999999999999.0.0", "5.0.0-okd scos",
	} {
		if v, err := Parse(bad); err == nil {
			t.Errorf("%q was read as %v", bad, v)
		}
	}
	if _, ok := ParseMinor("5.0.0"); ok {
		t.Error("5.0.0 was read as a minor version")
	}
	if m, ok := ParseMinor("4.20"); !ok || m != (Minor{4, 20}) {
		t.Errorf("4.20 is %v, %v", m, ok)
	}
}

func TestMinors(t *testing.T) {
	if next, ok := (Minor{4, 22}).Next(); !ok || next != (Minor{5, 0}) {
		t.Errorf("after 4.22 comes %v, %v", next, ok)
	}
	if next, ok := (Minor{5, 0}).Next(); ok {
		t.Errorf("after 5.0 comes %v", next)
	}
	if (Minor{4, 18}).Supported() || !(Minor{4, 19}).Supported() || Supported()[0] != (Minor{5, 0}) {
		t.Error("the supported versions are not 4.19 to 5.0")
	}
}

func TestNearest(t *testing.T) {
	list := parse(t,
		"4.22.0-okd-scos.9", "4.22.0-okd-scos.10", "4.22.0-okd-scos.9", "5.0.0-okd-scos.ec.1", "5.0.0-okd-scos.0")
	texts := func(list []Version) (out []string) {
		for _, v := range list {
			out = append(out, v.String())
		}
		return out
	}
	want := []string{"4.22.0-okd-scos.10", "4.22.0-okd-scos.9"}
	if got := texts(Nearest(list, Minor{4, 22}, 3)); !slices.Equal(got, want) {
		t.Errorf("of the minor version: %v", got)
	}
	want = []string{"5.0.0-okd-scos.0", "4.22.0-okd-scos.10"}
	if got := texts(Nearest(list, Minor{4, 23}, 2)); !slices.Equal(got, want) {
		t.Errorf("of others: %v", got)
	}
	stable := func(v Version) bool { return !v.Candidate() && v.Minor() == Minor{5, 0} }
	if v, ok := Newest(list, stable); !ok || v.String() != "5.0.0-okd-scos.0" {
		t.Errorf("newest stable 5.0: %v, %v", v, ok)
	}
}

func TestMinorOf(t *testing.T) {
	for version, want := range map[string]Minor{
		"4.22.0-okd-scos.10": {4, 22}, "5.0.0-0.okd-scos-2026-09-17-120000": {5, 0}, "5.0": {5, 0}, "v10.3.1": {10, 3},
		"": {}, "latest": {}, "5": {}, "5.x": {}, "quay.io/okd/scos-release:4.22": {}, "99999.1": {},
	} {
		if got, ok := MinorOf(version); got != want || ok != (want != Minor{}) {
			t.Errorf("%q is %v, %v", version, got, ok)
		}
	}
	if !(Minor{5, 0}).Since(Minor{4, 22}) || (Minor{4, 9}).Since(Minor{4, 22}) || !(Minor{4, 22}).Since(Minor{4, 22}) {
		t.Error("order of releases")
	}
}
