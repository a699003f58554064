package create

import "testing"

func TestCPULevel(t *testing.T) {
	for _, c := range []struct{ image, release, want string }{
		{"9.0.20250510-0", "4.19.0-okd-scos.19", ""},
		{"10.0.20250628-0", "4.20.0-okd-scos.0", "x86-64-v3"},
		{"9.0.20250510-0", "4.20.0-okd-scos.0", "x86-64-v3"}, // the node image replaces it
		{"10.0.20251103-0", "", "x86-64-v3"},
		{"", "5.0.0-okd-scos.ec.1", "x86-64-v3"},
		{"", "4.9.0", ""},
		{"", "not a version", ""},
	} {
		if got := cpuLevel(c.image, c.release); got != c.want {
			t.Errorf("cpuLevel(%q, %q) = %q, want %q", c.image, c.release, got, c.want)
		}
	}
}

func TestShare(t *testing.T) {
	for _, tt := range []struct {
		got, total int64
		want       string
	}{
		{0, 100 << 20, "0 % of 100 MiB"},
		{50 << 20, 100 << 20, "50 % of 100 MiB"},
		{100 << 20, -1, "64 MiB"},
	} {
		if got := share(tt.got, tt.total); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
