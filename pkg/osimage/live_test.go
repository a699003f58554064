package osimage

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/stream-metadata-go/stream"

	"github.com/okd-install/okd-install/pkg/clock"
)

func TestFindLive(t *testing.T) {
	var s stream.Stream
	if err := json.Unmarshal([]byte(streamJSON), &s); err != nil {
		t.Fatal(err)
	}
	a, err := FindLive(&s, "amd64")
	want := Artifact{URL: "https://images/a.iso", SHA256: "cc", Format: "iso", Release: "9.6"}
	if a != want || err != nil {
		t.Errorf("got %+v, %v", a, err)
	}
	if _, err := FindLive(&s, "arm64"); err == nil || !strings.Contains(err.Error(), "aarch64") {
		t.Errorf("error %v", err)
	}
}

func TestLiveOverride(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	tests := []struct {
		value, path string
		file        Artifact
		fails       bool
	}{
		{"", "", Artifact{}, false},
		{"/srv/live.iso", "/srv/live.iso", Artifact{}, false},
		{"live.iso", "live.iso", Artifact{}, false},
		{"file:///srv/live.iso", "/srv/live.iso", Artifact{}, false},
		{"file:///srv/live.iso?sha256=" + sum, "", Artifact{URL: "file:///srv/live.iso", SHA256: sum, Format: "iso"}, false},
		{"https://h/live.iso", "", Artifact{URL: "https://h/live.iso", Format: "iso"}, false},
		{"ftp://h/live.iso", "", Artifact{}, true},
		{"https://h/live.iso?sha256=12", "", Artifact{}, true},
	}
	for _, tt := range tests {
		path, file, err := LiveOverride(tt.value)
		if path != tt.path || file != tt.file || (err != nil) != tt.fails {
			t.Errorf("%q: got %q, %+v, %v", tt.value, path, file, err)
		}
	}
}

func TestKeep(t *testing.T) {
	c := Cache{Dir: filepath.Join(t.TempDir(), "cache"), Clock: clock.Real()}
	fetched := 0
	fetch := func(f *os.File) error {
		fetched++
		_, err := f.WriteString("live")
		return err
	}
	broken := errors.New("broken")
	if _, err := c.Keep(t.Context(), "a.iso", func(*os.File) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	for range 2 {
		file, err := c.Keep(t.Context(), "a.iso", fetch)
		if err != nil || file.Size != 4 || fetched != 1 {
			t.Fatalf("%+v, fetched %d times, %v", file, fetched, err)
		}
	}
	for _, damage := range []func(path string) error{
		func(path string) error { return os.WriteFile(path, []byte("evil"), 0o600) },
		func(path string) error { return os.Truncate(path, 2) },
		func(path string) error { return os.Remove(path + ".json") },
		func(path string) error { return os.WriteFile(path+".json", []byte("{"), 0o600) },
	} {
		if err := damage(filepath.Join(c.Dir, "a.iso")); err != nil {
			t.Fatal(err)
		}
		before := fetched
		file, err := c.Keep(t.Context(), "a.iso", fetch)
		if err != nil || fetched != before+1 {
			t.Errorf("%v, fetched %d times", err, fetched-before)
		}
		if data, _ := os.ReadFile(file.Path); string(data) != "live" {
			t.Errorf("got %q", data)
		}
	}
	list, err := os.ReadDir(c.Dir)
	if err != nil || len(list) != 3 { // with its record and its lock
		t.Errorf("%d files, %v", len(list), err)
	}
}
