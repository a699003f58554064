package agent

import (
	"strings"
	"testing"
)

// A host is found by its cards; the UUID counts only where no cards are known.
func TestFindWipeHost(t *testing.T) {
	w := Wipe{InfraID: "demo-x7k2p", Hosts: []WipeHost{
		{Name: "a", MACs: []string{"52:54:00:00:00:01"}, UUID: "AAAA"},
		{Name: "b", UUID: "bbbb"},
		{Name: "c", MACs: []string{"52:54:00:00:00:03"}},
		{Name: "d", MACs: []string{"52:54:00:00:00:03", "52:54:00:00:00:04"}},
	}}
	card := func(macs ...string) (out []NIC) {
		for _, mac := range macs {
			out = append(out, NIC{MAC: mac, Physical: true})
		}
		return out
	}
	for _, tt := range []struct {
		name       string
		inv        Inventory
		want, fail string
	}{
		{"by card", Inventory{UUID: "other", NICs: card("52:54:00:00:00:09", "52:54:00:00:00:01")}, "a", ""},
		{"by UUID", Inventory{UUID: "BBBB", NICs: card("52:54:00:00:00:09")}, "b", ""},
		{"a UUID does not replace a card", Inventory{UUID: "aaaa", NICs: card("52:54:00:00:00:09")}, "", "none of the 4"},
		{"a bridge is no card", Inventory{NICs: []NIC{{MAC: "52:54:00:00:00:01"}}}, "", "none of the 4"},
		{"two", Inventory{NICs: card("52:54:00:00:00:03")}, "", "may be c or d"},
		{"nothing", Inventory{}, "", "none of the 4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := w.Find(tt.inv)
			switch {
			case tt.fail != "":
				if err == nil || !strings.Contains(err.Error(), tt.fail) {
					t.Errorf("%+v, %v", h, err)
				}
			case err != nil || h.Name != tt.want:
				t.Errorf("%+v, %v", h, err)
			}
		})
	}
}

func FuzzDecodeWipe(f *testing.F) {
	f.Add([]byte(`{"infraID":"demo-x7k2p","hosts":[{"name":"a","uuid":"u","disk":{"path":"/dev/sda","sizeBytes":1}}]}`))
	f.Add([]byte(`{"infraID":"demo-x7k2p","hosts":[{"name":"a"}]}`))
	f.Add([]byte(`{"infraID":"x","all":true}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := DecodeWipe(b)
		if err != nil {
			return
		}
		raw, err := w.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeWipe(raw)
		if err != nil || again.InfraID != w.InfraID || len(again.Hosts) != len(w.Hosts) {
			t.Errorf("%+v became %+v, %v", w, again, err)
		}
		for _, h := range w.Hosts {
			if len(h.MACs) == 0 && h.UUID == "" {
				t.Errorf("host %s cannot be found", h.Name)
			}
		}
	})
}

func TestDecodeWipe(t *testing.T) {
	for _, bad := range []string{"", "{}", `{"infraID":"x","all":true}`, `{"infraID":"x","hosts":[{"name":"a"}]}`} {
		if w, err := DecodeWipe([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, w)
		}
	}
}
