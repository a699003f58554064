package hybrid

import (
	"bytes"
	"hash/crc32"
	"slices"
)

// The GUID partition table, UEFI specification 2.10, section 5.3. Its header is in the second sector; a copy of it is
// in the last one, behind a copy of the entries.
const (
	gptSignature   = "EFI PART"
	gptHeaderSize  = 12
	gptHeaderCRC   = 16
	gptThis        = 24
	gptOther       = 32
	gptFirstUsable = 40
	gptLastUsable  = 48
	gptEntries     = 72
	gptCount       = 80
	gptEntrySize   = 84
	gptEntriesCRC  = 88
	gptMinHeader   = 92

	gptStart = 32 // in an entry
	gptEnd   = 40

	maxEntries   = 1024
	maxEntrySize = 512
)

type gpt struct {
	header  []byte
	at      int64 // of the entries, in bytes
	entries []byte
	size    int // of an entry
	spans   []span
}

// readGPT returns nil if the image has no GPT.
func readGPT(i Image) (*gpt, error) {
	raw, err := readAt(i, sector, sector)
	if err != nil || !bytes.HasPrefix(raw, []byte(gptSignature)) {
		return nil, err
	}
	length := le.Uint32(raw[gptHeaderSize:])
	if length < gptMinHeader || length > sector {
		return nil, damaged("the header of its GPT has %d bytes", length)
	}
	g := &gpt{header: raw[:length]}
	if want := le.Uint32(g.header[gptHeaderCRC:]); g.headerCRC() != want {
		return nil, damaged("the checksum of its GPT's header is not %08x", want)
	}
	count, size := le.Uint32(g.header[gptCount:]), le.Uint32(g.header[gptEntrySize:])
	at := le.Uint64(g.header[gptEntries:])
	if count < 1 || count > maxEntries || size < 128 || size > maxEntrySize || at < 2 || at > uint64(i.Size)/sector {
		return nil, damaged("its GPT has %d entries of %d bytes in sector %d", count, size, at)
	}
	g.size, g.at = int(size), int64(at)*sector
	if g.entries, err = readAt(i, g.at, int64(count)*int64(size)); err != nil {
		return nil, err
	}
	if want := le.Uint32(g.header[gptEntriesCRC:]); crc32.ChecksumIEEE(g.entries) != want {
		return nil, damaged("the checksum of its GPT's entries is not %08x", want)
	}
	for e := range slices.Chunk(g.entries, g.size) {
		start, end := le.Uint64(e[gptStart:]), le.Uint64(e[gptEnd:])
		if bytes.Equal(e[:16], make([]byte, 16)) || start > end || end > uint64(i.Size)/sector {
			g.spans = append(g.spans, span{})
			continue
		}
		g.spans = append(g.spans, span{int64(start), int64(end) + 1})
	}
	return g, nil
}

func (g *gpt) list() []span {
	if g == nil {
		return nil
	}
	return slices.Clone(g.spans)
}

// headerCRC is the checksum of the header, for which its own field is zero.
func (g *gpt) headerCRC() uint32 {
	header := bytes.Clone(g.header)
	clear(header[gptHeaderCRC : gptHeaderCRC+4])
	return crc32.ChecksumIEEE(header)
}

// tail is the size of the copy at the end.
func (g *gpt) tail() int64 { return roundUp(int64(len(g.entries)), sector) + sector }

// grow extends the partition of the ISO, and writes both tables anew, the copy at the new end.
func (g *gpt) grow(i Image, size int64) []Patch {
	copyAt := size - g.tail()
	oldLast := int64(min(le.Uint64(g.header[gptLastUsable:]), uint64(i.Size)/sector))
	last := copyAt/sector - 1
	var out []Patch
	before := slices.Clone(g.spans)
	for n, s := range before {
		if s.end == 0 || !s.has(i.Used) {
			continue
		}
		end := roundUp(i.NewUsed, sector) / sector
		if rest := oldLast + 1 - s.end; rest >= 0 && rest < block/sector { // it took all there was
			end = last + 1 - rest
		}
		if !mayGrow(n, before, end) {
			continue
		}
		field := g.entries[n*g.size+gptEnd:][:8]
		le.PutUint64(field, uint64(end-1))
		out = append(out, Patch{g.at + int64(n*g.size+gptEnd), bytes.Clone(field)})
	}
	le.PutUint64(g.header[gptOther:], uint64(size/sector-1))
	le.PutUint64(g.header[gptLastUsable:], uint64(last))
	le.PutUint32(g.header[gptEntriesCRC:], crc32.ChecksumIEEE(g.entries))
	out = append(out, g.patch(sector))
	out = append(out, Patch{copyAt, g.entries})

	le.PutUint64(g.header[gptThis:], uint64(size/sector-1))
	le.PutUint64(g.header[gptOther:], 1)
	le.PutUint64(g.header[gptEntries:], uint64(copyAt/sector))
	return append(out, g.patch(size-sector))
}

// patch is the header, with its checksum, at an offset.
func (g *gpt) patch(offset int64) Patch {
	le.PutUint32(g.header[gptHeaderCRC:], g.headerCRC())
	return Patch{offset, bytes.Clone(g.header)}
}
