package imageio

import "testing"

func FuzzContentStart(f *testing.F) {
	for _, seed := range []string{"bytes 0-9/*", "bytes 5-*/*", "bytes -1-2/*", "bytes 9223372036854775807-0/1", ""} {
		f.Add(seed, int64(10))
	}
	f.Fuzz(func(t *testing.T, header string, length int64) {
		if start, err := contentStart(header, length); err == nil && start < 0 {
			t.Errorf("%q: starts at %d", header, start)
		}
	})
}
