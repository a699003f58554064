package miniso

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// byHand is the file as bincode writes it: with numbers of 1, 3 and 5 bytes.
func byHand(t testing.TB, rest string) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := xz.WriterConfig{CheckSum: xz.CRC64}.NewWriter(&packed)
	if err == nil {
		_, err = w.Write([]byte(rest))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	head, err := hex.DecodeString("4d494e49534f0000" + "01" + "06302e32312e30" + "02" +
		"1d" + "fb2c01" + "fc70110100" + "fa" + "fbfb00" + "05")
	if err != nil {
		t.Fatal(err)
	}
	out := append(head, bytes.Repeat([]byte{0xab}, 32)...)
	if packed.Len() > 250 {
		t.Fatal("too long for one byte")
	}
	return append(append(out, byte(packed.Len())), packed.Bytes()...)
}

func TestParse(t *testing.T) {
	rest := strings.Repeat("r", 29*2048+250*2048)
	d, err := Parse(append(byHand(t, rest), make([]byte, 100)...)) // zeros fill the file
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{{29, 300, 70000}, {250, 251, 5}}
	if !slices.Equal(d.Entries, want) || d.Digest[31] != 0xab || string(d.Rest) != rest {
		t.Errorf("%+v", d.Entries)
	}
	parts, err := d.Parts()
	if err != nil || len(parts) != 5 || parts[1].Offset != 300*2048 || len(parts[0].Rest) != 29*2048 {
		t.Errorf("%d parts, %v", len(parts), err)
	}
	again, err := d.Encode("0.21.0")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again[:50], byHand(t, rest)[:50]) {
		t.Errorf("encoded as %x", again[:50])
	}
}

func TestParseRefuses(t *testing.T) {
	good := byHand(t, "r")
	for want, data := range map[string][]byte{
		"nothing about a minimal ISO": make([]byte, 16<<10),
		"it has version 2":            bytes.Replace(good, []byte("\x01\x060.21"), []byte("\x02\x060.21"), 1),
		"truncated":                   good[:60],
		"number prefix 254":           append(bytes.Clone(good[:8]), 254),
		"overlap":                     bytes.Replace(good, []byte("\xfa\xfb\xfb"), []byte("\x1e\xfb\xfb"), 1),
		"where at most 256":           append(bytes.Clone(good[:9]), 0xfb, 0xff, 0xff),
	} {
		if _, err := Parse(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	d, err := Parse(good)
	if err == nil {
		_, err = d.Parts()
	}
	if err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("with less than there is between the files: %v", err)
	}
}

// FuzzParse checks that what is parsed can be written and parsed again.
func FuzzParse(f *testing.F) {
	f.Add(byHand(f, strings.Repeat("r", 2048*280)))
	f.Add([]byte(magic + "\x01\x00\x01\x00\x00\xfe"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := Parse(raw)
		if err != nil {
			return
		}
		parts, err := d.Parts()
		if err != nil {
			return
		}
		total := 0
		for _, p := range parts {
			total += len(p.Rest)
		}
		if total != len(d.Rest) {
			t.Errorf("%d bytes of %d are in parts", total, len(d.Rest))
		}
		again, err := d.Encode("x")
		if err != nil {
			return
		}
		if other, err := Parse(again); err != nil || !slices.Equal(other.Entries, d.Entries) {
			t.Errorf("%v", err)
		}
	})
}
