package pki

import (
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"testing"
)

// The sieve must strike out what has a small divisor, and nothing else.
func TestSieve(t *testing.T) {
	buf := make([]byte, 16)
	if _, err := stream(20).Read(buf); err != nil {
		t.Fatal(err)
	}
	buf[0] |= 0xc0
	buf[len(buf)-1] |= 1
	start := new(big.Int).SetBytes(buf)
	primes := map[uint64]bool{}
	for _, g := range smallPrimes() {
		for _, p := range g.primes {
			primes[p] = true
		}
	}
	if !primes[3] || !primes[262139] || primes[262141] || len(primes) != 22999 { // pi(2^18) is 23000, and 2 is left out
		t.Fatalf("%d small primes", len(primes))
	}
	product := big.NewInt(1)
	for p := range primes {
		product.Mul(product, new(big.Int).SetUint64(p))
	}
	composite := sieve(buf)
	struck := 0
	for i := range composite {
		n := new(big.Int).Add(start, big.NewInt(int64(2*i)))
		if divisible := new(big.Int).GCD(nil, nil, n, product).Cmp(big.NewInt(1)) != 0; divisible != composite[i] {
			t.Fatalf("start+%d: struck out %v, has a small divisor %v", 2*i, composite[i], divisible)
		}
		if composite[i] {
			struck++
		}
	}
	if struck < window*8/10 {
		t.Errorf("only %d of %d struck out", struck, window)
	}
}

func TestPrime(t *testing.T) {
	for seed := range byte(4) {
		p, err := newPrime(stream(seed), KeyBits/2)
		if err != nil {
			t.Fatal(err)
		}
		if !p.ProbablyPrime(20) || p.BitLen() != KeyBits/2 || p.Bit(KeyBits/2-2) != 1 {
			t.Errorf("%d bits: %v", p.BitLen(), p)
		}
	}
}

// BenchmarkKey compares what the package does with what it might do.
func BenchmarkKey(b *testing.B) {
	b.Run("here", func(b *testing.B) {
		for b.Loop() {
			if _, err := NewKey(rand.Reader); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("crypto/rsa", func(b *testing.B) {
		for b.Loop() {
			if _, err := rsa.GenerateKey(rand.Reader, KeyBits); err != nil {
				b.Fatal(err)
			}
		}
	})
}
