package hco

import (
	"crypto/tls"
	"regexp"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/lab/virt/kit/object"
)

// profile is the TLS profile that counts: of the HyperConverged, of the API server, or Intermediate.
func profile(hc object.Object, c Cluster) (*configv1.TLSSecurityProfile, error) {
	if own := object.Map(hc, "spec.tlsSecurityProfile"); own != nil {
		p, err := object.To[configv1.TLSSecurityProfile](own)
		return &p, err
	}
	if c.TLS != nil {
		return c.TLS, nil
	}
	return &configv1.TLSSecurityProfile{
		Type: configv1.TLSProfileIntermediateType, Intermediate: &configv1.IntermediateTLSProfile{},
	}, nil
}

// kubevirtTLS is a profile as KubeVirt has it: versions and IANA's names of ciphers.
func kubevirtTLS(p *configv1.TLSSecurityProfile) object.Object {
	var lowest configv1.TLSProtocolVersion
	var ciphers []string
	if p.Custom != nil {
		lowest, ciphers = p.Custom.MinTLSVersion, p.Custom.Ciphers
	} else if spec := configv1.TLSProfiles[p.Type]; spec != nil {
		lowest, ciphers = spec.MinTLSVersion, spec.Ciphers
	}
	if p.Custom == nil && p.Modern != nil {
		ciphers = nil // TLS 1.3 does not let them be chosen
	}
	if !slices.Contains([]configv1.TLSProtocolVersion{
		configv1.VersionTLS10, configv1.VersionTLS11, configv1.VersionTLS12, configv1.VersionTLS13,
	}, lowest) {
		lowest = configv1.VersionTLS12
	}
	out := object.Object{"minTLSVersion": string(lowest)}
	var names []any
	for _, c := range ciphers {
		if n := iana(c); n != "" {
			names = append(names, n)
		}
	}
	if len(names) > 0 {
		out["ciphers"] = names
	}
	return out
}

var openSSL = regexp.MustCompile(`^(?:(ECDHE)-(ECDSA|RSA)-)?` +
	`(?:AES(128|256)-(GCM-)?(SHA\d*)|(CHACHA20-POLY1305)|(DES-CBC3)-(SHA))$`)

// iana is the standard's name of a cipher that OpenSSL names otherwise, empty for one that Go does not have.
func iana(name string) string {
	m := openSSL.FindStringSubmatch(name)
	if m != nil {
		exchange := "RSA"
		if m[1] != "" {
			exchange = m[1] + "_" + m[2]
		}
		cipher := "AES_" + m[3] + "_CBC_" + m[5]
		switch {
		case m[4] != "":
			cipher = "AES_" + m[3] + "_GCM_" + m[5]
		case m[6] != "":
			cipher = "CHACHA20_POLY1305_SHA256"
		case m[7] != "":
			cipher = "3DES_EDE_CBC_" + m[8]
		}
		name = "TLS_" + exchange + "_WITH_" + cipher
	}
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if s.Name == name && strings.HasPrefix(name, "TLS_") {
			return name
		}
	}
	return ""
}
