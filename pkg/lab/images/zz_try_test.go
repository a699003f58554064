package images

import (
	"context"
	"os"
	"testing"
)

func TestTry(t *testing.T) {
	if os.Getenv("TRY") == "" {
		t.Skip()
	}
	cwd, _ := os.Getwd()
	_ = cwd
	r, err := Build(context.Background(), Inputs{Source: "/work/main", Cache: "/var/cache/okd-lab", Rootfs: "/", Stream: []byte("{\n \"stream\":\"x\"}\n"), Registry: "registry.lab.okd.test:5000", Version: "4.20.0-okd-lab.1", Out: os.Stdout}, "/tmp/relb/layout")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
}
