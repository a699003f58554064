package openshift

import (
	"strings"
	"testing"
)

func TestPointerConfig(t *testing.T) {
	const generated = `{"ignition":` +
		`{"config":{"merge":[{"source":"https://api-int:22623/config/master"}]},"version":"3.2.0"}}`
	tests := []struct {
		name, current string
		want          string // part of the manifest; empty: there is none
	}{
		{"untouched", generated, ""},
		{"other white space and order", ` {"ignition": {"version":"3.2.0", ` +
			`"config":{"merge":[{"source":"https://api-int:22623/config/master"}]}}} `, ""},
		{"added file", strings.Replace(generated, `"3.2.0"}`, `"3.2.0"},"storage":{"files":[{"path":"/etc/motd"}]}`, 1),
			"path: /etc/motd"},
		{"newer version", strings.Replace(generated, "3.2.0", "3.5.0", 1), "version: 3.5.0"},
		{"another server", strings.Replace(generated, "api-int", "192.0.2.1", 1), "version: 3.2.0"},
		{"further source beside the merge",
			strings.Replace(generated, `"merge"`, `"replace":{"source":"http://192.0.2.1/all.ign"},"merge"`, 1),
			"source: http://192.0.2.1/all.ign"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files, err := PointerConfig("master", []byte(generated), []byte(tt.current))
			if err != nil {
				t.Fatal(err)
			}
			text := string(files.Data(PointerFile("master")))
			if tt.want == "" && len(files) > 0 || !strings.Contains(text, tt.want) || strings.Contains(text, "merge") {
				t.Errorf("got %q", text)
			}
		})
	}
	if _, err := PointerConfig("worker", []byte(generated), []byte("{")); err == nil ||
		!strings.HasPrefix(err.Error(), "parse worker.ign: ") {
		t.Errorf("broken file: %v", err)
	}
}
