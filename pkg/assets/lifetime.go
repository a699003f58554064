package assets

import (
	"slices"
	"time"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
)

// life is how long a certificate is valid: of the shorter ones a feature gate
// decides.
type life int

const (
	decade life = iota
	year
	day
)

type lifetimes struct {
	Year time.Duration `json:"year"`
	Day  time.Duration `json:"day"`
}

func (l lifetimes) of(which life) time.Duration {
	switch which {
	case year:
		return l.Year
	case day:
		return l.Day
	}
	return pki.TenYears
}

// Lifetimes are those of the certificates that the cluster renews by itself.
// The feature gate ShortCertRotation makes them short, to try the renewal out.
var Lifetimes = asset.From1("certificate-lifetimes", Config, func(_ asset.Env, c Input) (lifetimes, error) {
	if slices.Contains(c.FeatureGates, "ShortCertRotation=true") {
		return lifetimes{Year: 2 * time.Hour, Day: time.Hour}, nil
	}
	return lifetimes{Year: pki.Year, Day: pki.Day}, nil
}, asset.Transient())

// lasting declares a certificate that depends on the lifetimes only where they
// can change.
func lasting(name string, l life, issue func(asset.Env, time.Duration) (pki.Pair, error)) asset.Asset[pki.Pair] {
	if l == decade {
		return asset.From0(name, func(env asset.Env) (pki.Pair, error) { return issue(env, pki.TenYears) })
	}
	return asset.From1(name, Lifetimes,
		func(env asset.Env, ls lifetimes) (pki.Pair, error) { return issue(env, ls.of(l)) })
}

// lasting1 is lasting for a certificate that a CA signs.
func lasting1(
	name string, ca asset.Asset[pki.Pair], l life, issue func(asset.Env, pki.Pair, time.Duration) (pki.Pair, error),
) asset.Asset[pki.Pair] {
	if l == decade {
		return asset.From1(name, ca,
			func(env asset.Env, ca pki.Pair) (pki.Pair, error) { return issue(env, ca, pki.TenYears) })
	}
	return asset.From2(name, ca, Lifetimes,
		func(env asset.Env, ca pki.Pair, ls lifetimes) (pki.Pair, error) { return issue(env, ca, ls.of(l)) })
}
