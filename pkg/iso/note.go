package iso

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/okd-install/okd-install/pkg/iso/iso9660"
)

// The sector before an area at the end of an image has a note: what to write where to get the image as it was
// published. Numbers are little-endian: after the magic the checksum of what follows, the size of the image before, and
// the number of edits; then each with its offset, length and bytes.
const (
	noteMagic  = "okd-grow"
	noteHeader = len(noteMagic) + 4 + 8 + 4
	editHeader = 8 + 4
)

// newNote notes what the fields are now.
func (i *Image) newNote(fields []edit) ([]byte, error) {
	var list []edit
	for _, e := range fields {
		if e.offset >= i.size {
			continue // it goes away
		}
		old := make([]byte, len(e.data))
		if n, err := i.r.ReadAt(old, e.offset); n < len(old) {
			return nil, fmt.Errorf("read byte %d: %w", e.offset, err)
		}
		list = append(list, edit{e.offset, old})
	}
	body := binary.LittleEndian.AppendUint64(nil, uint64(i.size))
	body = binary.LittleEndian.AppendUint32(body, uint32(len(list)))
	for _, e := range list {
		body = binary.LittleEndian.AppendUint64(body, uint64(e.offset))
		body = binary.LittleEndian.AppendUint32(body, uint32(len(e.data)))
		body = append(body, e.data...)
	}
	note := append([]byte(noteMagic), make([]byte, iso9660.SectorSize-len(noteMagic))...)
	if n := copy(note[len(noteMagic)+4:], body); n < len(body) {
		return nil, fmt.Errorf("%d changes of tables are too many for a note of them", len(list))
	}
	binary.LittleEndian.PutUint32(note[len(noteMagic):], crc32.ChecksumIEEE(note[len(noteMagic)+4:]))
	return note, nil
}

// parseNote returns the size of the image before it grew, and how to get it back. Found is false if this is no note.
func parseNote(note []byte, area int64) (size int64, undo []edit, found bool) {
	if len(note) != iso9660.SectorSize || !bytes.HasPrefix(note, []byte(noteMagic)) {
		return 0, nil, false
	}
	body := note[len(noteMagic)+4:]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(note[len(noteMagic):]) {
		return 0, nil, false
	}
	size = int64(binary.LittleEndian.Uint64(body))
	count := binary.LittleEndian.Uint32(body[8:])
	body = body[12:]
	if size < iso9660.SystemArea || size > area || roundUp(size)+iso9660.SectorSize != area {
		return 0, nil, false
	}
	for range count {
		if len(body) < editHeader {
			return 0, nil, false
		}
		offset, length := int64(binary.LittleEndian.Uint64(body)), int64(binary.LittleEndian.Uint32(body[8:]))
		body = body[editHeader:]
		if offset < 0 || length < 1 || length > int64(len(body)) || offset > size-length {
			return 0, nil, false
		}
		undo = append(undo, edit{offset, bytes.Clone(body[:length])})
		body = body[length:]
	}
	return size, undo, true
}
