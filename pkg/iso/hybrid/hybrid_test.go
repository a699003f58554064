package hybrid

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
)

const testSize = 1 << 20

// disk has an MBR, and if there are entries, a GPT with them: pairs of first and last sector.
func disk(entries ...[2]uint64) []byte {
	data := make([]byte, testSize)
	data[510], data[511] = 0x55, 0xaa
	if len(entries) == 0 {
		return data
	}
	array := make([]byte, 128*128)
	for n, e := range entries {
		array[n*128] = 1
		binary.LittleEndian.PutUint64(array[n*128+32:], e[0])
		binary.LittleEndian.PutUint64(array[n*128+40:], e[1])
	}
	copy(data[1024:], array)
	h := data[512:604]
	copy(h, "EFI PART\x00\x00\x01\x00\x5c")
	for field, v := range map[int]uint64{24: 1, 32: testSize/512 - 1, 40: 34, 48: testSize/512 - 34, 72: 2} {
		binary.LittleEndian.PutUint64(h[field:], v)
	}
	binary.LittleEndian.PutUint32(h[80:], 128)
	binary.LittleEndian.PutUint32(h[84:], 128)
	binary.LittleEndian.PutUint32(h[88:], crc32.ChecksumIEEE(array))
	binary.LittleEndian.PutUint32(h[16:], crc32.ChecksumIEEE(h))
	return data
}

func mbrEntry(data []byte, n int, kind byte, start, count uint32) {
	e := data[446+16*n:]
	e[4] = kind
	binary.LittleEndian.PutUint32(e[8:], start)
	binary.LittleEndian.PutUint32(e[12:], count)
}

func grow(data []byte) (size int64, grown []byte, err error) {
	i := Image{ReaderAt: bytes.NewReader(data), Size: int64(len(data)), Used: 600 << 10, NewUsed: 3 << 20}
	size, patches, err := Grow(i)
	if err != nil {
		return 0, nil, err
	}
	grown = append(bytes.Clone(data), make([]byte, size-int64(len(data)))...)
	for _, p := range patches {
		copy(grown[p.Offset:], p.Data)
	}
	return size, grown, nil
}

// TestGrow has partitions that must not grow.
func TestGrow(t *testing.T) {
	data := disk([2]uint64{0, 1500}, [2]uint64{180, 280}, [2]uint64{1501, 1600})
	mbrEntry(data, 0, 0x83, 0, 2048)
	mbrEntry(data, 1, 0xef, 180, 100)
	size, got, err := grow(data)
	if err != nil || size != 3_164_160 {
		t.Fatalf("%d, %v", size, err)
	}
	g, err := readGPT(Image{ReaderAt: bytes.NewReader(got), Size: size})
	if err != nil {
		t.Fatal(err)
	}
	// The first one would run into the third one.
	if g.spans[0] != (span{0, 1501}) || g.spans[1] != (span{180, 281}) || g.spans[2] != (span{1501, 1601}) {
		t.Errorf("%v", g.spans[:3])
	}
	m, err := readMBR(Image{ReaderAt: bytes.NewReader(got), Size: size})
	if err != nil || m.spans[0] != (span{0, size / 512}) || m.spans[1] != (span{180, 280}) {
		t.Errorf("%v, %v", m.spans, err)
	}
	if _, got, err = grow(disk()); err != nil || len(got) != 3<<20 {
		t.Errorf("without partitions %d, %v", len(got), err)
	}
}

func TestRefuses(t *testing.T) {
	good := disk([2]uint64{0, 1500})
	tests := map[string]func(d []byte){
		"checksum of its GPT's header is not":  func(d []byte) { d[512+56]++ },
		"checksum of its GPT's entries is not": func(d []byte) { d[1024+40]++ },
		"the header of its GPT has 513 bytes":  func(d []byte) { binary.LittleEndian.PutUint32(d[512+12:], 513) },
		"sector 64 has file records of its own": func(d []byte) {
			mbrEntry(d, 0, 0x83, 64, 1900)
			copy(d[64*512+32769:], "CD001")
		},
	}
	for want, change := range tests {
		data := bytes.Clone(good)
		change(data)
		if _, _, err := grow(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// FuzzGrow has any first sectors, with a right checksum. What is written must be inside the image.
func FuzzGrow(f *testing.F) {
	f.Add(disk()[:2048], disk()[:0])
	good := disk([2]uint64{0, 1500}, [2]uint64{180, 280})
	mbrEntry(good, 0, 0x83, 0, 2048)
	f.Add(good[:1024], good[1024:2048])
	f.Fuzz(func(t *testing.T, head, entries []byte) {
		data := make([]byte, testSize)
		copy(data, head[:min(len(head), 1024)])
		copy(data[1024:], entries[:min(len(entries), 1<<16)])
		h := data[512:604]
		if count, size := binary.LittleEndian.Uint32(h[80:]), binary.LittleEndian.Uint32(h[84:]); count < 1024 && size < 512 {
			if at := binary.LittleEndian.Uint64(h[72:]); at == 2 {
				binary.LittleEndian.PutUint32(h[88:], crc32.ChecksumIEEE(data[1024:1024+count*size]))
			}
		}
		clear(h[16:20])
		binary.LittleEndian.PutUint32(h[16:], crc32.ChecksumIEEE(h))
		i := Image{ReaderAt: bytes.NewReader(data), Size: testSize, Used: 600 << 10, NewUsed: 3 << 20}
		size, patches, err := Grow(i)
		if err != nil {
			return
		}
		if size < i.NewUsed || size%2048 != 0 || size > 2*i.NewUsed+64<<20 {
			t.Errorf("size %d", size)
		}
		for _, p := range patches {
			end := p.Offset + int64(len(p.Data))
			if p.Offset < 0 || end > size || p.Offset < testSize && end > 512+512+1<<20 ||
				p.Offset >= testSize && p.Offset < i.NewUsed {
				t.Errorf("writes %d bytes at %d of %d", len(p.Data), p.Offset, size)
			}
		}
	})
}
