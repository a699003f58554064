package registry

import (
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func everything() Bundle {
	return Bundle{
		CSV: "a.v1", Package: "a", Channel: "stable", CSVJSON: "{}", Image: "quay.io/a", Version: "1.0.0",
		SkipRange: "<1.0.0",
		Provides:  []GVK{{"g", "v1", "K"}}, Properties: []Property{{"olm.package", "{}"}}, Replaces: "a.v0",
		Skips: []string{"a.v0-1", "a.v0-2"},
	}
}

func TestMessages(t *testing.T) {
	b, p := everything(), Package{"a", []Channel{{"stable", "a.v1"}, {"beta", "a.v2"}}, "stable"}
	// Fields that are not looked at: a number, and a text with a high number.
	extra := protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 7)
	extra = put(extra, 98, "x")
	var b2 Bundle
	if err := parse(append(extra, b.encode()...), &b2); err != nil || !reflect.DeepEqual(b, b2) {
		t.Errorf("%+v, %v", b2, err)
	}
	var p2 Package
	if err := parse(p.encode(), &p2); err != nil || !reflect.DeepEqual(p, p2) {
		t.Errorf("%+v, %v", p2, err)
	}
	if err := parse([]byte{0x0a, 0x7f}, &p2); err == nil {
		t.Error("a message that ends early was read")
	}
}

func FuzzBundle(f *testing.F) {
	b := everything()
	f.Add(b.encode())
	f.Add([]byte{0x62, 0x01, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		var once, twice Bundle
		if parse(data, &once) != nil {
			return
		}
		if err := parse(once.encode(), &twice); err != nil || !reflect.DeepEqual(once.encode(), twice.encode()) {
			t.Errorf("%+v became %+v: %v", once, twice, err)
		}
	})
}
