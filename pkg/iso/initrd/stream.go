package initrd

// Decompress unpacks the stream of gzip, xz or zstd at the beginning of data to at most limit bytes, and returns the
// size of the stream.
func Decompress(data []byte, limit int) (plain []byte, size int, err error) {
	return decompress(data, limit)
}
