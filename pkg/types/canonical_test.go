package types_test

import (
	"fmt"
	"iter"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/okd-install/okd-install/pkg/platforms"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types"
)

// rich is a config in which every list and pointer has something.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Interface:
		if s, ok := v.Interface().(types.PlatformSettings); ok {
			fill(reflect.ValueOf(s).Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Interface {
			v.Set(reflect.ValueOf([]any{"x"}))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	}
}

// leaves visits every value of a config that has no parts.
func leaves(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	switch part := v.Interface().(type) {
	case secret.String, netip.Addr, netip.Prefix:
		visit(path, v)
		return
	case interface{ All() iter.Seq2[string, any] }:
		for name, settings := range part.All() {
			leaves(reflect.ValueOf(settings), path+"."+name, visit)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		leaves(v.Elem(), path, visit)
	case reflect.Slice:
		leaves(v.Index(0), path+"[0]", visit)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				leaves(v.Field(i), path+"."+v.Type().Field(i).Name, visit)
			}
		}
	default:
		visit(path, v)
	}
}

func change(v reflect.Value) {
	switch v.Interface().(type) {
	case secret.String:
		v.Set(reflect.ValueOf(secret.New("other")))
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.MustParseAddr("10.0.0.1")))
		return
	case netip.Prefix:
		v.Set(reflect.ValueOf(netip.MustParsePrefix("10.0.0.0/8")))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("other")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint32:
		v.SetUint(7)
	case reflect.Map:
		m := reflect.MakeMap(v.Type())
		m.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf("v"))
		v.Set(m)
	case reflect.Interface:
		v.Set(reflect.ValueOf("other"))
	default:
		panic("no change for " + v.Type().String())
	}
}

// Canonical differs if any field does, so that nothing which depends on a
// changed install-config stays as it was.
func TestCanonicalCoversEveryField(t *testing.T) {
	n := 0
	for _, kind := range platforms.All().Kinds() {
		full := func() *types.InstallConfig {
			c := &types.InstallConfig{Platform: types.Platform{Settings: kind.New()}}
			fill(reflect.ValueOf(c).Elem())
			if kind.NewPool != nil {
				pool := kind.NewPool()
				fill(reflect.ValueOf(pool).Elem())
				c.ControlPlane.Platform.Set(kind.Name, pool)
			}
			return c
		}
		base := string(full().Canonical())
		leaves(reflect.ValueOf(full()).Elem(), "", func(path string, _ reflect.Value) {
			c := full()
			leaves(reflect.ValueOf(c).Elem(), "", func(p string, v reflect.Value) {
				if p == path {
					change(v)
				}
			})
			if n++; string(c.Canonical()) == base {
				t.Errorf("another %s of platform %s gives the same bytes", path, kind.Name)
			}
		})
	}
	if n < 120 {
		t.Errorf("only %d fields", n)
	}
}

func TestCanonicalIgnoresTheForm(t *testing.T) {
	load := func(text string) string {
		c, r := platforms.All().Load("c.yaml", []byte(text))
		if c == nil {
			t.Fatal(r.Err())
		}
		return string(c.Canonical())
	}
	plain := load(bases[ovirt])
	if load("# a comment\n"+bases[ovirt]) != plain ||
		load(bases[ovirt]+"compute: [{name: worker, replicas: 3}]\n") != plain {
		t.Error("a comment or a default that is written out changes the bytes")
	}
	if load(strings.Replace(bases[ovirt], loginSecret, "dXNlcjpwYXNzd29yZQ", 1)) == plain {
		t.Error("another pull secret gives the same bytes")
	}
}

// What has to be kept out of logs: whole secrets, and the passwords in them.
func TestSecrets(t *testing.T) {
	r := row{base: baremetal, edits: `proxy.httpProxy = "http://u:p%40ss-w0rd@proxy.test:3128"`}
	c, found := platforms.All().Load("c.yaml", []byte(r.text(t)))
	if c == nil {
		t.Fatal(found.Err())
	}
	have := map[string]bool{}
	for _, s := range c.Secrets() {
		have[s.Reveal()] = true
	}
	for _, want := range []string{bmcSecret, loginSecret + "==", "password", "p@ss-w0rd", "p%40ss-w0rd",
		c.PullSecret.Reveal()} {
		if !have[want] {
			t.Errorf("%q would be logged", want)
		}
	}
	if text := fmt.Sprintf("%v %+v", c, *c); strings.Contains(text, bmcSecret) || strings.Contains(text, loginSecret) {
		t.Error("printing the config shows secrets")
	}
}
