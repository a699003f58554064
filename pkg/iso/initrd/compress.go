package initrd

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxDictionary is what xz -9 uses; more would be memory that an image of somebody else decides about.
const maxDictionary = 64 << 20

// decompress unpacks the compressed stream at the beginning of data to at most limit bytes, and returns the size of the
// stream.
func decompress(data []byte, limit int) (plain []byte, n int, err error) {
	switch {
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return gunzip(data, limit)
	case bytes.HasPrefix(data, []byte(xzMagic)):
		if n, err = xzSize(data); err != nil {
			return nil, 0, fmt.Errorf("xz: %w", err)
		}
		r, err := xz.ReaderConfig{DictCap: lzma.MinDictCap}.NewReader(bytes.NewReader(data[:n])) // or what it asks for
		if err != nil {
			return nil, 0, err
		}
		plain, err = readAll("xz", r, limit)
		return plain, n, err
	case bytes.HasPrefix(data, []byte(zstdMagic)):
		if n, err = zstdSize(data); err != nil {
			return nil, 0, fmt.Errorf("zstd: %w", err)
		}
		r, err := zstd.NewReader(bytes.NewReader(data[:n]), zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxWindow(maxDictionary))
		if err != nil {
			return nil, 0, fmt.Errorf("zstd: %w", err)
		}
		defer r.Close()
		plain, err = readAll("zstd", r, limit)
		return plain, n, err
	}
	return nil, 0, fmt.Errorf("%q is neither a cpio archive nor compressed with gzip, xz or zstd",
		data[:min(6, len(data))])
}

func gunzip(data []byte, limit int) ([]byte, int, error) {
	in := bytes.NewReader(data)
	r, err := gzip.NewReader(in)
	if err != nil {
		return nil, 0, err
	}
	r.Multistream(false)
	plain, err := readAll("gzip", r, limit)
	return plain, len(data) - in.Len(), err
}

func readAll(format string, r io.Reader, limit int) ([]byte, error) {
	plain, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", format, err)
	}
	if len(plain) > limit {
		return nil, fmt.Errorf("the archive has more than %d bytes when unpacked", MaxSize)
	}
	return plain, nil
}

const zstdMagic = "\x28\xb5\x2f\xfd"

// zstdSize is the size of the zstd frame at the beginning of data. See RFC 8878, section 3.1.1.
func zstdSize(data []byte) (int, error) {
	var h zstd.Header
	if err := h.Decode(data); err != nil {
		return 0, err
	}
	n := h.HeaderSize
	for last := false; !last; {
		if n+3 > len(data) {
			return 0, io.ErrUnexpectedEOF
		}
		block := int(data[n]) | int(data[n+1])<<8 | int(data[n+2])<<16
		last = block&1 != 0
		size := block >> 3
		if block>>1&3 == 1 { // one byte, repeated
			size = 1
		}
		n += 3 + size
	}
	if h.HasCheckSum {
		n += 4
	}
	if n > len(data) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

const xzMagic = "\xfd7zXZ\x00"

var errXZ = errors.New("the stream is damaged")

// xzSize is the size of the xz stream at the beginning of data, found without unpacking it: package xz insists on
// nothing coming after the stream, and allocates whatever dictionary a block asks for. See the .xz file format,
// version 1.2.1.
func xzSize(data []byte) (int, error) {
	const streamHeader, streamFooter = 12, 12
	if len(data) < streamHeader {
		return 0, io.ErrUnexpectedEOF
	}
	checks := [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}
	check := checks[data[7]&0xf]
	n := streamHeader
	for n < len(data) && data[n] != 0 {
		header := (int(data[n]) + 1) * 4
		if n+header > len(data) {
			return 0, io.ErrUnexpectedEOF
		}
		if err := xzDictionary(data[n : n+header]); err != nil {
			return 0, err
		}
		n += header
		body, err := lzma2Size(data[n:])
		if err != nil {
			return 0, err
		}
		n += align(body) + check
	}
	index, err := xzIndexSize(data[min(n, len(data)):])
	if err != nil {
		return 0, err
	}
	if n += index + streamFooter; n > len(data) {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// xzDictionary refuses blocks with other filters than LZMA2, and large dictionaries.
func xzDictionary(header []byte) error {
	flags, at := header[1], 2
	for _, sizeIsThere := range []bool{flags&0x40 != 0, flags&0x80 != 0} {
		if !sizeIsThere {
			continue
		}
		_, n := binary.Uvarint(header[at:])
		if n <= 0 {
			return errXZ
		}
		at += n
	}
	if flags&3 != 0 || at+3 > len(header) || header[at] != 0x21 || header[at+1] != 1 {
		return errors.New("the stream uses a filter other than LZMA2")
	}
	bits := header[at+2]
	if bits > 40 {
		return errXZ
	}
	size := int64(2|bits&1) << (bits/2 + 11)
	if size > maxDictionary {
		return fmt.Errorf("the stream needs a dictionary of %d bytes, more than %d", size, maxDictionary)
	}
	return nil
}

// lzma2Size is the size of a sequence of LZMA2 chunks with its end marker.
func lzma2Size(data []byte) (int, error) {
	n := 0
	for {
		if n >= len(data) {
			return 0, io.ErrUnexpectedEOF
		}
		control := data[n]
		switch {
		case control == 0:
			return n + 1, nil
		case control >= 0x80 && n+5 <= len(data): // compressed
			size := int(binary.BigEndian.Uint16(data[n+3:])) + 1
			n += 5 + size
			if control >= 0xc0 { // with a byte of properties
				n++
			}
		case control <= 2 && n+3 <= len(data): // stored
			n += 3 + int(binary.BigEndian.Uint16(data[n+1:])) + 1
		default:
			return 0, errXZ
		}
	}
}

// xzIndexSize is the size of the index of a stream, with its checksum.
func xzIndexSize(data []byte) (int, error) {
	n := 1 // the marker
	next := func() uint64 {
		v, size := binary.Uvarint(data[min(n, len(data)):])
		if size <= 0 {
			n = len(data) + 1
			return 0
		}
		n += size
		return v
	}
	for records := next(); records > 0 && n <= len(data); records-- {
		next()
		next()
	}
	if n > len(data) {
		return 0, io.ErrUnexpectedEOF
	}
	return align(n) + 4, nil
}

// compressXZ writes xz with CRC32: the kernel's decoder knows no other check.
func compressXZ(plain []byte) ([]byte, error) {
	var out bytes.Buffer
	dictionary := min(max(len(plain), lzma.MinDictCap), 8<<20)
	w, err := xz.WriterConfig{CheckSum: xz.CRC32, DictCap: dictionary}.NewWriter(&out)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

func compressGzip(plain []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

// Unpack unpacks what is compressed with gzip, xz or zstd, up to MaxSize.
func Unpack(data []byte) ([]byte, error) {
	plain, _, err := decompress(data, MaxSize)
	return plain, err
}

// Compress compresses with xz.
func Compress(plain []byte) ([]byte, error) { return compressXZ(plain) }
