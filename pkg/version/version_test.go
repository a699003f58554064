package version

import "testing"

func TestPatched(t *testing.T) {
	tests := []struct{ name, marker, want string }{
		{"as built", imageMarker, "other"},
		{"patched", "quay.io/okd/scos-release@sha256:12\x00CATION_\x00XXX\x00", "quay.io/okd/scos-release@sha256:12"},
		{"to the last byte", "4.20.0\x00", "4.20.0"},
		{"without an end", "4.20.0", "other"},
		{"with nothing", "\x00\x00", "other"},
	}
	for _, tt := range tests {
		if got := patched(tt.marker, "other"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestArchitecture(t *testing.T) {
	for value, want := range map[string]string{
		"amd64": "amd64", "linux/arm64": "arm64", "multi (linux/amd64)": "multi", "multi": "multi",
	} {
		if got := architecture(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
