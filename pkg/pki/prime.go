package pki

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"math/bits"
	"sync"
)

const (
	// rounds of Miller and Rabin's test after which a number counts as prime, one
	// less than are made. FIPS 186-5, table B.1, wants five for 1024 bits; the test
	// of Lucas comes on top.
	rounds = 4
	// sieveLimit is where dividing by one more prime takes longer than it saves
	// tests, found by measuring.
	sieveLimit = 1 << 18
	// window is how many odd numbers from a random start are looked at. That
	// none of them is prime happens once in a hundred thousand starts.
	window = 4096
)

// newPrime returns a prime with its two highest bits set, so that the product
// of two has the full length. From a random start it goes up to the next one.
func newPrime(r io.Reader, length int) (*big.Int, error) {
	buf := make([]byte, length/8)
	for {
		if _, err := io.ReadFull(r, buf); err != nil {
			return nil, fmt.Errorf("read randomness for a key: %w", err)
		}
		buf[0] |= 0xc0
		buf[len(buf)-1] |= 1
		start, p := new(big.Int).SetBytes(buf), new(big.Int)
		composite := sieve(buf)
		for i := range composite {
			if composite[i] {
				continue
			}
			p.Add(start, big.NewInt(int64(2*i)))
			if p.BitLen() == length && p.ProbablyPrime(rounds) {
				return p, nil
			}
		}
	}
}

// sieve says which of the numbers start, start+2, start+4... have a small
// divisor. The start is odd, much larger than any of those, big-endian and a
// multiple of eight bytes long.
func sieve(start []byte) *[window]bool {
	var composite [window]bool
	words := make([]uint64, len(start)/8)
	for i := range words {
		words[i] = binary.BigEndian.Uint64(start[8*i:])
	}
	for _, g := range smallPrimes() {
		var rest uint64
		for _, w := range words {
			rest = bits.Rem64(rest, w, g.product)
		}
		for _, p := range g.primes {
			// The first i for which start+2i is a multiple of p.
			first := p - rest%p
			if first%2 != 0 {
				first += p
			}
			for i := first / 2 % p; i < window; i += p {
				composite[i] = true
			}
		}
	}
	return &composite
}

// group is primes whose product fits a machine word: one division of a long
// number gives the remainders by all of them.
type group struct {
	product uint64
	primes  []uint64
}

// smallPrimes are the odd primes below sieveLimit.
var smallPrimes = sync.OnceValue(func() []group {
	out := []group{{product: 1}}
	composite := make([]bool, sieveLimit)
	for n := uint64(3); n < sieveLimit; n += 2 {
		if composite[n] {
			continue
		}
		for m := n * n; m < sieveLimit; m += 2 * n {
			composite[m] = true
		}
		last := &out[len(out)-1]
		if overflow, product := bits.Mul64(last.product, n); overflow == 0 {
			last.product, last.primes = product, append(last.primes, n)
		} else {
			out = append(out, group{n, []uint64{n}})
		}
	}
	return out
})
