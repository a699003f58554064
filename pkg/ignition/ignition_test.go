package ignition

import (
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_2"
)

func TestPointer(t *testing.T) {
	tests := []struct{ host, role, want string }{
		{"198.18.0.10", "master", `{"ignition":{` +
			`"config":{"merge":[{"source":"https://198.18.0.10:22623/config/master"}]},` +
			`"security":{"tls":{"certificateAuthorities":[{"source":"data:text/plain;charset=utf-8;base64,Y2E="}]}},` +
			`"version":"3.2.0"}}`},
		{"fd00::1", "worker", `"https://[fd00::1]:22623/config/worker"`},
		{"api-int.demo.okd.test", "worker", `"https://api-int.demo.okd.test:22623/config/worker"`},
	}
	for _, tt := range tests {
		got, err := Pointer(tt.host, tt.role, []byte("ca"))
		if err != nil || !strings.Contains(string(got), tt.want) {
			t.Errorf("%s: %v\ngot  %s\nwant %s", tt.host, err, got, tt.want)
		}
	}
}

func TestWithHostname(t *testing.T) {
	pointer, err := Pointer("198.18.0.10", "master", []byte("ca"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := WithHostname(pointer, "demo-x-master-0")
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := v3_2.Parse(got)
	if err != nil {
		t.Fatalf("Ignition refuses %s: %v", got, err)
	}
	files := c.Storage.Files
	if len(files) != 1 || files[0].Path != "/etc/hostname" || *files[0].Mode != 0o644 || !*files[0].Overwrite {
		t.Errorf("files %+v", files)
	}
	if !strings.Contains(string(got), `"data:text/plain;charset=utf-8;base64,ZGVtby14LW1hc3Rlci0wCg=="`) {
		t.Errorf("got %s", got)
	}
	again, err := WithHostname(got, "other")
	if err != nil || string(again) != string(got) {
		t.Errorf("an existing hostname was replaced: %s", again)
	}
	// A user may have written a newer version; its fields must survive.
	newer, err := WithHostname([]byte(`{"ignition":{"version":"3.4.0"},"kernelArguments":{"shouldExist":["a"]},`+
		`"storage":{"files":[{"path":"/a"}]}}`), "n")
	if err != nil {
		t.Fatal(err)
	}
	for _, kept := range []string{`"shouldExist":["a"]`, `{"path":"/a"}`} {
		if !strings.Contains(string(newer), kept) {
			t.Errorf("%s is missing in %s", kept, newer)
		}
	}
	if _, err := WithHostname([]byte("{"), "n"); err == nil {
		t.Error("broken JSON was accepted")
	}
}

func TestCheck(t *testing.T) {
	for config, want := range map[string]string{
		`{"ignition":{"version":"3.4.0"}}`:       "",
		`{"ignition":{"version":"9.0.0"},"x":1}`: "", // a newer Ignition may know it
		"":                                       "is empty",
		"variant: fcos\n":                        "not an Ignition config: invalid character",
		`{"apiVersion":"v1"}`:                    "no ignition.version",
		`{"ignition":"3.4.0"}`:                   "not an Ignition config: json: cannot unmarshal",
	} {
		err := Check([]byte(config))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", config, err, want)
		}
	}
}
