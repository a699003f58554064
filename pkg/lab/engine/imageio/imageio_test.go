package imageio

import "testing"

func FuzzByteRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-9", "bytes=-5", "bytes=5-", "bytes=9-1", "bytes=", "bytes=0-0,2-3", "x",
		"bytes=-9223372036854775808"} {
		f.Add(seed, int64(100))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 1 {
			return
		}
		first, last, _, err := byteRange(header, size)
		if err == nil && (first < 0 || last < first || last >= size) {
			t.Errorf("%q of %d: %d-%d", header, size, first, last)
		}
	})
}

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
