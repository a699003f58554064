package gpt_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/okd-install/okd-install/pkg/lab/gpt"
)

const diskSize = 8 << 20

func disk(t *testing.T, parts ...gpt.Partition) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(diskSize); err != nil {
		t.Fatal(err)
	}
	if parts != nil {
		if err := gpt.Write(f, diskSize, uuid.New(), parts); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestWriteThenParse(t *testing.T) {
	want := []gpt.Partition{
		{Type: uuid.MustParse("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"), ID: uuid.New(), Name: "EFI-SYSTEM", Offset: 1 << 20, Size: 1 << 20},
		{Type: gpt.RootX86, ID: uuid.New(), Name: "root", Offset: 2 << 20, Size: 5 << 20},
	}
	got, err := gpt.Parse(disk(t, want...), diskSize)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("parsed table differs (-written +read):\n%s", d)
	}
}

func TestParseRefuses(t *testing.T) {
	root := gpt.Partition{Type: gpt.RootX86, ID: uuid.New(), Name: "root", Offset: 1 << 20, Size: 1 << 20}
	poke := func(at int64) func(*testing.T, *os.File) {
		return func(t *testing.T, f *os.File) {
			b := make([]byte, 1)
			if _, err := f.ReadAt(b, at); err != nil {
				t.Fatal(err)
			}
			b[0] ^= 0xff
			if _, err := f.WriteAt(b, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name    string
		spoil   func(*testing.T, *os.File)
		size    int64
		noTable bool
	}{
		{"signature changed", poke(512), diskSize, true},
		{"header changed", poke(512 + 40), diskSize, false},
		{"entry changed", poke(1024 + 32), diskSize, false},
		{"disk shorter than its partition", func(*testing.T, *os.File) {}, 1 << 20, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := disk(t, root)
			tt.spoil(t, f)
			_, err := gpt.Parse(f, tt.size)
			if err == nil {
				t.Fatal("accepted")
			}
			if errors.Is(err, gpt.ErrNoTable) != tt.noTable {
				t.Errorf("error %q; no table = %v expected", err, tt.noTable)
			}
		})
	}
	for _, content := range [][]byte{nil, make([]byte, 100), make([]byte, 4096)} {
		if _, err := gpt.Parse(bytes.NewReader(content), int64(len(content))); !errors.Is(err, gpt.ErrNoTable) {
			t.Errorf("%d empty bytes: %v, want ErrNoTable", len(content), err)
		}
	}
}

func TestWriteRefusesMisplaced(t *testing.T) {
	f := disk(t)
	for _, p := range []gpt.Partition{
		{Name: "over the table", Offset: 512, Size: 1 << 20},
		{Name: "not aligned", Offset: 1<<20 + 1, Size: 1 << 20},
		{Name: "over the end", Offset: 1 << 20, Size: diskSize},
	} {
		if err := gpt.Write(f, diskSize, uuid.New(), []gpt.Partition{p}); err == nil {
			t.Errorf("partition %s was written", p.Name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(make([]byte, 4096))
	f.Fuzz(func(_ *testing.T, b []byte) {
		parts, err := gpt.Parse(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, p := range parts {
			if p.Offset < 0 || p.Offset+p.Size > int64(len(b)) {
				panic("partition outside the disk")
			}
		}
	})
}
