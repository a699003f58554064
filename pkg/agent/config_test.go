package agent

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/secret"
)

func TestEncode(t *testing.T) {
	c := &Config{
		ClusterName: "demo", Masters: 3, Workers: 2, Expires: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Key: secret.New("key"), AgentToken: secret.New("agent"), WatcherToken: secret.New("watcher"),
	}
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "hidden") {
		t.Errorf("no secrets in %s", b)
	}
	got, err := Decode(b)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%v, got %+v", err, got)
	}
	if got.Required() != 5 {
		t.Errorf("%d hosts", got.Required())
	}
	if _, err := Decode([]byte("{")); err == nil {
		t.Error("no error for half a file")
	}
}
