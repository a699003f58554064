package report

import "hash/maphash"

// places are the positions of fields. A path is kept as its hash, because the paths of a thousand
// hosts have more bytes than their file.
type places struct {
	seed maphash.Seed
	at   map[uint64]place
}

type place struct{ line, column uint32 }

func newPlaces() *places { return &places{maphash.MakeSeed(), map[uint64]place{}} }

func (p *places) set(at Path, pos Position) {
	p.at[maphash.String(p.seed, at.s)] = place{uint32(pos.Line), uint32(pos.Column)}
}

func (p *places) get(at Path) (Position, bool) {
	found, ok := p.at[maphash.String(p.seed, at.s)]
	return Position{int(found.line), int(found.column)}, ok
}
