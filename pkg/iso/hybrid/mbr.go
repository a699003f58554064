package hybrid

import "slices"

// The master boot record: four entries of 16 bytes, then a signature.
const (
	mbrEntries     = 446
	mbrEntrySize   = 16
	mbrSignature   = 510
	entryType      = 4
	entryCHSEnd    = 5
	entryStart     = 8
	entryCount     = 12
	typeProtective = 0xee // stands for all that the GPT has
	maxCylinders   = 1024
)

type mbr struct {
	raw   []byte
	spans []span
}

// readMBR returns nil if the image has no master boot record.
func readMBR(i Image) (*mbr, error) {
	raw, err := readAt(i, 0, sector)
	if err != nil || raw[mbrSignature] != 0x55 || raw[mbrSignature+1] != 0xaa {
		return nil, err
	}
	m := &mbr{raw: raw}
	for n := range 4 {
		e := m.entry(n)
		start := int64(le.Uint32(e[entryStart:]))
		m.spans = append(m.spans, span{start, start + int64(le.Uint32(e[entryCount:]))})
	}
	return m, nil
}

func (m *mbr) list() []span {
	if m == nil {
		return nil
	}
	return slices.Clone(m.spans)
}

func (m *mbr) entry(n int) []byte { return m.raw[mbrEntries+n*mbrEntrySize:][:mbrEntrySize] }

// geometry is the number of heads, and of sectors on a track, that the end of an entry implies.
func (m *mbr) geometry(n int) (heads, sectors int64) {
	e := m.entry(n)
	return int64(e[entryCHSEnd]) + 1, int64(e[entryCHSEnd+1] & 0x3f)
}

// cylinder is what the size of the image is a multiple of: BIOSes guess the geometry of a USB stick from its entries,
// which isohybrid and xorriso make end with a cylinder. It is the size of a block if the image was made without.
func (m *mbr) cylinder(size int64) int64 {
	for n, s := range m.spans {
		if m.entry(n)[entryType] == typeProtective || s.start != 0 || s.end*sector != size {
			continue
		}
		heads, sectors := m.geometry(n)
		unit := heads * sectors * sector
		if unit > 0 && unit%block == 0 && size%unit == 0 {
			return unit
		}
	}
	return block
}

// grow extends entries of the whole image or disk, and of the file system.
func (m *mbr) grow(i Image, size int64) []Patch {
	var out []Patch
	for n, s := range m.spans {
		e := m.entry(n)
		end := size / sector
		switch {
		case e[entryType] == typeProtective && s.end*sector >= i.Size:
		case e[entryType] == typeProtective || !s.has(i.Used):
			continue
		case s.end*sector < i.Size: // without the padding
			end = roundUp(i.NewUsed, sector) / sector
		}
		if !mayGrow(n, m.spans, end) {
			continue
		}
		at := int64(mbrEntries + n*mbrEntrySize)
		count := le.AppendUint32(nil, uint32(end-s.start))
		out = append(out, Patch{at + entryCount, count})
		if chs := m.chs(n, s.end, end); chs != nil {
			out = append(out, Patch{at + entryCHSEnd, chs})
		}
	}
	return out
}

// chs is the last sector of an entry as cylinder, head and sector, if that is how the entry was made: the old end must
// be the end of a cylinder in the same geometry.
func (m *mbr) chs(n int, oldEnd, end int64) []byte {
	heads, sectors := m.geometry(n)
	if sectors == 0 || oldEnd%(heads*sectors) != 0 || end%(heads*sectors) != 0 {
		return nil
	}
	encode := func(end int64) [3]byte {
		c := min(end/(heads*sectors), maxCylinders) - 1
		return [3]byte{byte(heads - 1), byte(sectors) | byte(c>>8<<6), byte(c)}
	}
	if encode(oldEnd) != [3]byte(m.entry(n)[entryCHSEnd:entryCHSEnd+3]) {
		return nil
	}
	out := encode(end)
	return out[:]
}
