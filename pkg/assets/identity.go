package assets

import (
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/pki"
)

// ClusterName is metadata.name. Only a change of the name makes a new cluster.
var ClusterName = asset.From1("cluster-name", Config,
	func(_ asset.Env, c Input) (string, error) { return c.Metadata.Name, nil }, asset.Transient())

// ClusterID is the cluster's UUID.
var ClusterID = asset.From1("cluster-id", ClusterName,
	func(asset.Env, string) (string, error) { return uuid.NewString(), nil })

// InfraID is the prefix of all names of the cluster on the platform.
var InfraID = asset.From1("infra-id", ClusterName,
	func(_ asset.Env, name string) (string, error) { return newInfraID(name) })

const (
	infraNameLength   = 21
	infraSuffixLength = 5
	// infraSuffixChars has no vowels, to avoid words, and no characters that look alike.
	infraSuffixChars = "bcdfghjklmnpqrstvwxz2456789"
)

var notInInfraID = regexp.MustCompile(`[^a-z0-9-]+`)

func newInfraID(name string) (string, error) {
	suffix, err := pki.RandomText(infraSuffixChars, infraSuffixLength)
	return infraName(name) + "-" + suffix, err
}

func infraName(cluster string) string {
	name := notInInfraID.ReplaceAllString(strings.ToLower(cluster), "-")
	return strings.TrimRight(name[:min(len(name), infraNameLength)], "-")
}

// NamedAfter reports whether an infrastructure ID fits the name of a cluster.
func NamedAfter(infraID, cluster string) bool {
	name, is := strings.CutPrefix(infraID, infraName(cluster)+"-")
	return is && len(name) == infraSuffixLength
}

type kubeadmin struct {
	Password string `json:"password"`
	Hash     string `json:"hash"`
}

// Kubeadmin is the password of kubeadmin: the one that the user provided, or a new one.
// If only the hash was provided, the password is not known.
var Kubeadmin = asset.From1("kubeadmin-password", loadedPassword,
	func(_ asset.Env, k kubeadmin) (_ kubeadmin, err error) {
		if k.Password == "" && k.Hash == "" {
			if k.Password, err = pki.NewPassword(); err != nil {
				return k, err
			}
		}
		if k.Hash == "" {
			k.Hash, err = pki.HashPassword(k.Password)
		}
		return k, err
	})

// SSHKeys are the bootstrap host's host key and the installer's key for logging in to it.
var SSHKeys = asset.From0("bootstrap-ssh", func(asset.Env) (keys pki.SSHKeys, err error) {
	if keys.Host, err = pki.NewSSHKey("bootstrap"); err != nil {
		return keys, err
	}
	keys.User, err = pki.NewSSHKey("okd-install")
	return keys, err
})
