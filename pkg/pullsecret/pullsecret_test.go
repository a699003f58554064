package pullsecret

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

func TestRepair(t *testing.T) {
	const good = `"registry.test":{"auth":"dXNlcjpodW50ZXIy"}`
	const onlyGood = `{"auths":{` + good + `}}`
	const empty = `{"auths":{"fake":{"auth":"aWQ6cGFzcwo="}}}`
	for _, tt := range []struct {
		name, text, want string
		dropped          []string
	}{
		{"of OKD guides", `{"auths":{"fake":{"auth":"bar"}}}`, empty, []string{"fake"}},
		{"the only registry", `{"auths":{"quay.io":{"auth":"user:hunter2"}}}`, empty, []string{"quay.io"}},
		{"one of two", `{"auths":{"fake":{"auth":"bar"},` + good + `}}`, onlyGood, []string{"fake"}},
		{"base64 without a colon", `{"auths":{"a":{"auth":"aHVudGVyMg=="},` + good + `}}`, onlyGood, []string{"a"}},
		{"no user", `{"auths":{"a":{"auth":"OmE="},` + good + `}}`, onlyGood, []string{"a"}},
		{"no padding", `{"auths":{"a":{"auth":"YTpi", "email":"e"}}}`, `{"auths":{"a":{"auth":"YTpi", "email":"e"}}}`, nil},
		{"padding is missing", `{"auths":{"a":{"auth":"YTpiYw","email":"e"}}}`,
			`{"auths":{"a":{"auth":"YTpiYw==","email":"e"}}}`, nil},
		{"space around it", `{"auths":{"a":{"auth":" YTpiYw==\n"}}}`, `{"auths":{"a":{"auth":"YTpiYw=="}}}`, nil},
		{"keys in capitals", `{"Auths":{"a":{"Auth":"YTpiYw"},"b":{"AUTH":"!"}}}`,
			`{"Auths":{"a":{"Auth":"YTpiYw=="}}}`, []string{"b"}},
		{"other settings stay", `{"credHelpers":{"c":"d"},"auths":{"a":{"auth":"!"},"b":{"credsStore":"s"}}}`,
			`{"auths":{"b":{"credsStore":"s"}},"credHelpers":{"c":"d"}}`, []string{"a"}},
		{"nothing wrong", "{ \"auths\":\t{" + good + "} }\n", "{ \"auths\":\t{" + good + "} }\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, dropped, err := Repair(tt.text)
			if err != nil || got != tt.want || !slices.Equal(dropped, tt.dropped) {
				t.Errorf("became %s without %v (%v), want %s without %v", got, dropped, err, tt.want, tt.dropped)
			}
			read(t, got)
		})
	}
}

func TestRepairRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"hunter2": ErrForm, `{"auths":["hunter2"]}`: ErrForm, `{"auths":{"a":{"auth":7}}}`: ErrForm,
		`{}`: ErrEmpty, `{"auths":{}}`: ErrEmpty, `null`: ErrEmpty,
	} {
		if got, _, err := Repair(text); !errors.Is(err, want) || got != "" {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

// read lets docker's own code read the file. It rejects the whole file for one
// login that it cannot decode. oc uses the same code.
func read(t *testing.T, text string) {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	repo, err := name.NewRepository("elsewhere.test/okd")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := authn.DefaultKeychain.Resolve(repo); err != nil || a != authn.Anonymous {
		t.Errorf("docker cannot read %s: %v", text, err)
	}
}

// Without Repair the file is rejected; otherwise the test above could not fail.
func TestReadersRefuseIt(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	file := filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json")
	if err := os.WriteFile(file, []byte(`{"auths":{"fake":{"auth":"bar"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	repo, _ := name.NewRepository("elsewhere.test/okd")
	if _, err := authn.DefaultKeychain.Resolve(repo); err == nil {
		t.Error("accepted")
	}
}

func FuzzRepair(f *testing.F) {
	f.Add(`{"auths":{"fake":{"auth":"bar"}}}`)
	f.Add(`{"auths":{"a":{"auth":"YTpiYw","email":"e"},"b":{"credsStore":"s"}},"AUTHS":{}}`)
	f.Fuzz(func(t *testing.T, text string) {
		repaired, dropped, err := Repair(text)
		if err != nil {
			return
		}
		again, more, err := Repair(repaired)
		if err != nil || len(more) > 0 || again != repaired {
			t.Errorf("%q became %q, and that %q without %v: %v", text, repaired, again, more, err)
		}
		if len(dropped) == 0 && repaired == text {
			return
		}
		before, _ := Parse(text)
		after, _ := Parse(repaired)
		for host, login := range after {
			if was, there := before[host]; there && !slices.Contains(dropped, host) {
				a, b, _ := Decode(was.Auth)
				c, d, _ := Decode(login.Auth)
				if a != c || b != d || was.CredsStore != login.CredsStore {
					t.Errorf("the login for %q changed", host)
				}
			}
		}
		if !strings.Contains(repaired, "{") || !json.Valid([]byte(repaired)) || reflect.DeepEqual(after, map[string]Login{}) {
			t.Errorf("became %q", repaired)
		}
	})
}
