package assets

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
)

// LoadCerts says that the authorities of the administrator and the API server, and the
// administrator's certificate, are read from tls/. It is off by default: otherwise
// anybody who can put a CA into the directory would get access to the cluster.
var LoadCerts = asset.Param[bool]("load-cluster-certs")

// loadableAuthority is a CA for ten years that the user may provide.
func loadableAuthority(name string) asset.Asset[pki.Pair] {
	return asset.From1("tls/"+name, loadedPair(name), func(env asset.Env, own pki.Pair) (pki.Pair, error) {
		if own.Cert == nil {
			return pki.NewAuthority(env.Now, pki.Name{Common: name, Unit: "openshift"}, pki.TenYears)
		}
		return own, inFile("tls/"+name+".crt", own.CheckAuthority(env.Now))
	})
}

// loadableClient is a client certificate for ten years that the user may provide.
func loadableClient(name string, ca asset.Asset[pki.Pair], subject pki.Name) asset.Asset[pki.Pair] {
	return asset.From2("tls/"+name, loadedPair(name), ca, func(env asset.Env, own, ca pki.Pair) (pki.Pair, error) {
		if own.Cert == nil {
			return ca.Issue(env.Now, pki.Leaf{Name: subject, Life: pki.TenYears, Usage: serverAndUser})
		}
		return own, inFile("tls/"+name+".crt", own.CheckClient(env.Now, ca))
	})
}

// loadedPair is a pair that the user provided, or an empty one.
func loadedPair(name string) asset.Asset[pki.Pair] {
	certFile, keyFile := "tls/"+name+".crt", "tls/"+name+".key"
	return asset.From2("given/"+name,
		asset.OptionalSource("file/"+certFile, certFile, LoadCerts),
		asset.OptionalSource("file/"+keyFile, keyFile, LoadCerts),
		func(_ asset.Env, cert, key []byte) (pki.Pair, error) {
			switch {
			case cert == nil && key == nil:
				return pki.Pair{}, nil
			case key == nil:
				return pki.Pair{}, fmt.Errorf("%s is there, but its key %s is not", certFile, keyFile)
			case cert == nil:
				return pki.Pair{}, fmt.Errorf("%s is there, but its certificate %s is not", keyFile, certFile)
			}
			own, err := pki.Load(cert, key)
			if err != nil {
				return pki.Pair{}, fmt.Errorf("load %s and %s: %w", certFile, keyFile, err)
			}
			return own, nil
		}, asset.Transient())
}

func inFile(file string, err error) error {
	if err != nil {
		return fmt.Errorf("load %s: %w", file, err)
	}
	return nil
}

const boundKeyFile = "tls/bound-service-account-signing-key.key"

// BoundKey is the key that signs the tokens bound to pods, if the user provides one.
// Otherwise the API server's operator makes it on the bootstrap host.
var BoundKey = asset.From1("bound-service-account-signing-key",
	asset.OptionalSource("file/"+boundKeyFile, boundKeyFile),
	func(_ asset.Env, raw []byte) (keyPair, error) {
		if raw == nil {
			return keyPair{}, nil
		}
		key, err := pki.ParseKey(raw)
		if err != nil {
			return keyPair{}, inFile(boundKeyFile, err)
		}
		return pairOf(key)
	}, asset.Transient())

const (
	loadedPasswordFile = "tls/kubeadmin-password"
	loadedHashFile     = "tls/kubeadmin-password.hash"
	// maxPassword is the length in bytes up to which bcrypt reads a password.
	maxPassword = 72
)

// loadedPassword is the user's password of kubeadmin: clear text, bcrypt hash, or both.
var loadedPassword = asset.From2("given/kubeadmin-password",
	asset.OptionalSource("file/"+loadedPasswordFile, loadedPasswordFile),
	asset.OptionalSource("file/"+loadedHashFile, loadedHashFile),
	func(_ asset.Env, clear, hash []byte) (kubeadmin, error) {
		k := kubeadmin{Password: strings.TrimRight(string(clear), "\r\n"), Hash: strings.TrimSpace(string(hash))}
		switch {
		case clear != nil && (k.Password == "" || len(k.Password) > maxPassword):
			return k, fmt.Errorf("load %s: a password has 1 to %d bytes, this one has %d",
				loadedPasswordFile, maxPassword, len(k.Password))
		case hash == nil:
			return k, nil
		}
		if _, err := bcrypt.Cost([]byte(k.Hash)); err != nil {
			return k, fmt.Errorf("load %s: not a bcrypt hash; make one with: "+
				"htpasswd -nbBC 10 \"\" PASSWORD | tr -d ':\\n'", loadedHashFile)
		}
		if clear != nil && bcrypt.CompareHashAndPassword([]byte(k.Hash), []byte(k.Password)) != nil {
			return k, fmt.Errorf("load %s: it is not the hash of the password in %s; remove one of the files",
				loadedHashFile, loadedPasswordFile)
		}
		return k, nil
	}, asset.Transient())
