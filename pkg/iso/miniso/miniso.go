// Package miniso reads and writes coreos/miniso.dat: what a live ISO has besides, so that a minimal ISO, without the
// root file system, can be made of it. A minimal ISO is made of files that both have, and of all the rest: volume
// descriptors, directories, padding. The format is that of coreos-installer: numbers and lengths are encoded like those
// of bincode with variable length.
package miniso

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/okd-install/okd-install/pkg/iso/initrd"
)

// MaxSize is the most that the file may have.
const MaxSize = 1 << 20

const (
	magic      = "MINISO\x00\x00"
	version    = 1
	sectorSize = 2048
	maxString  = 256
	minEntry   = 3 // bytes
)

// Data says how to make the minimal ISO.
type Data struct {
	Entries []Entry // by offset in the minimal ISO; they do not overlap
	Digest  [32]byte
	Rest    []byte // what is between the files, and behind them
}

// Entry is a file that both have, with its sector in each.
type Entry struct {
	Minimal, Full uint32
	Length        uint32
}

// Parse reads the file.
func Parse(raw []byte) (*Data, error) {
	if len(raw) < len(magic) || string(raw[:len(magic)]) != magic {
		return nil, errors.New("there is nothing about a minimal ISO in it")
	}
	d := decoder{raw: raw[len(magic):]}
	if v := d.number(math.MaxUint32); d.err == nil && v != version {
		return nil, fmt.Errorf("it has version %d; only %d is supported", v, version)
	}
	d.bytes(d.number(maxString)) // of the program that wrote it
	out := &Data{}
	end := uint64(0)
	for range d.number(uint64(len(raw) / minEntry)) {
		e := Entry{uint32(d.number(math.MaxUint32)), uint32(d.number(math.MaxUint32)), uint32(d.number(math.MaxUint32))}
		if d.err != nil {
			break
		}
		if uint64(e.Minimal)*sectorSize < end {
			return nil, fmt.Errorf("the files at sector %d and before it overlap", e.Minimal)
		}
		end = uint64(e.Minimal)*sectorSize + uint64(e.Length)
		out.Entries = append(out.Entries, e)
	}
	copy(out.Digest[:], d.bytes(uint64(len(out.Digest))))
	packed := d.bytes(d.number(uint64(len(raw))))
	if d.err != nil {
		return nil, d.err
	}
	if len(out.Entries) == 0 {
		return nil, errors.New("it names no file")
	}
	var err error
	out.Rest, err = initrd.Unpack(packed)
	return out, err
}

// decoder reads from the beginning of raw, up to the first error.
type decoder struct {
	raw []byte
	err error
}

var errTruncated = errors.New("it is truncated")

func (d *decoder) bytes(n uint64) []byte {
	if d.err == nil && n > uint64(len(d.raw)) {
		d.err = errTruncated
	}
	if d.err != nil {
		return nil
	}
	out := d.raw[:n]
	d.raw = d.raw[n:]
	return out
}

// number reads a number: below 251 it is one byte; otherwise that says how many bytes follow.
func (d *decoder) number(limit uint64) uint64 {
	first := d.bytes(1)
	if d.err != nil {
		return 0
	}
	var v uint64
	switch b := first[0]; {
	case b < 251:
		v = uint64(b)
	case b <= 253:
		raw := make([]byte, 8)
		copy(raw, d.bytes(2<<(b-251)))
		v = binary.LittleEndian.Uint64(raw)
	default:
		d.err = fmt.Errorf("it has the number prefix %d", b)
	}
	if d.err == nil && v > limit {
		d.err = fmt.Errorf("it has the number %d where at most %d is possible", v, limit)
	}
	if d.err != nil {
		return 0
	}
	return v
}

// Encode writes the file.
func (d *Data) Encode(program string) ([]byte, error) {
	packed, err := initrd.Compress(d.Rest)
	if err != nil {
		return nil, err
	}
	out := number([]byte(magic), version)
	out = append(number(out, uint64(len(program))), program...)
	out = number(out, uint64(len(d.Entries)))
	for _, e := range d.Entries {
		out = number(number(number(out, uint64(e.Minimal)), uint64(e.Full)), uint64(e.Length))
	}
	out = append(out, d.Digest[:]...)
	out = append(number(out, uint64(len(packed))), packed...)
	if len(out) > MaxSize || len(program) > maxString {
		return nil, fmt.Errorf("the minimal ISO needs %d bytes besides the files", len(out))
	}
	return out, nil
}

func number(out []byte, v uint64) []byte {
	switch {
	case v < 251:
		return append(out, byte(v))
	case v <= math.MaxUint16:
		return binary.LittleEndian.AppendUint16(append(out, 251), uint16(v))
	case v <= math.MaxUint32:
		return binary.LittleEndian.AppendUint32(append(out, 252), uint32(v))
	}
	return binary.LittleEndian.AppendUint64(append(out, 253), v)
}

// Part is a part of the minimal ISO: bytes, or a part of the full one.
type Part struct {
	Rest         []byte
	Offset, Size int64 // in the full ISO, if there is no rest
}

// Parts are the minimal ISO from its beginning to its end.
func (d *Data) Parts() ([]Part, error) {
	var out []Part
	rest, at := d.Rest, int64(0)
	for _, e := range d.Entries {
		gap := int64(e.Minimal)*sectorSize - at
		if gap < 0 || gap > int64(len(rest)) {
			return nil, errTruncated
		}
		if gap > 0 {
			out = append(out, Part{Rest: rest[:gap]})
			rest = rest[gap:]
		}
		out = append(out, Part{Offset: int64(e.Full) * sectorSize, Size: int64(e.Length)})
		at += gap + int64(e.Length)
	}
	if len(rest) > 0 {
		out = append(out, Part{Rest: bytes.Clone(rest)})
	}
	return out, nil
}
