// Package bootstrap is `machine-config-operator bootstrap`: on the bootstrap
// machine it turns the installer's manifests into the controller config, the
// pools, the machine config server's pod and the platform's static pods.
package bootstrap

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/okd-install/okd-install/pkg/lab/release/contract"
)

// Options are the command's flags.
type Options struct {
	RootCA, KubeCA  string
	ConfigFile      string
	DestDir         string
	PullSecret      string
	ReleaseImage    string
	ImageReferences string
	PayloadVersion  string
	CloudProviderCA string
	CloudConfig     string
	InfraConfig     string
	NetworkConfig   string
	ProxyConfig     string
	DNSConfig       string
	AdditionalTrust string
}

// Command runs the renderer with the arguments after `bootstrap`.
func Command(_ context.Context, args []string) error {
	var o Options
	f := pflag.NewFlagSet("machine-config-operator bootstrap", pflag.ContinueOnError)
	f.StringVar(&o.RootCA, "root-ca", "/etc/ssl/kubernetes/ca.crt", "CA that signed the machine config server's certificate")
	f.StringVar(&o.KubeCA, "kube-ca", "", "CA bundle that kubelets trust for client certificates")
	f.StringVar(&o.ConfigFile, "config-file", "", "ConfigMap with the install-config")
	f.StringVar(&o.DestDir, "dest-dir", "", "directory to write to")
	f.StringVar(&o.PullSecret, "pull-secret", "/assets/manifests/pull.json", "Secret with the pull secret")
	f.StringVar(&o.ReleaseImage, "release-image", "", "pull spec of the release")
	f.StringVar(&o.ImageReferences, "image-references", "", "ImageStream of the release payload")
	f.StringVar(&o.PayloadVersion, "payload-version", "", "version of the release")
	f.StringVar(&o.CloudProviderCA, "cloud-provider-ca-file", "", "CA bundle of the cloud provider")
	f.StringVar(&o.CloudConfig, "cloud-config-file", "", "ConfigMap with the cloud provider's configuration")
	f.StringVar(&o.InfraConfig, "infra-config-file", "/assets/manifests/cluster-infrastructure-02-config.yml", "Infrastructure")
	f.StringVar(&o.NetworkConfig, "network-config-file", "/assets/manifests/cluster-network-02-config.yml", "Network")
	f.StringVar(&o.ProxyConfig, "proxy-config-file", "/assets/manifests/cluster-proxy-01-config.yaml", "Proxy")
	f.StringVar(&o.DNSConfig, "dns-config-file", "/assets/manifests/cluster-dns-02-config.yml", "DNS")
	f.StringVar(&o.AdditionalTrust, "additional-trust-bundle-config-file", "/assets/manifests/user-ca-bundle-config.yaml", "ConfigMap with further CAs, may be absent")
	if err := contract.Parse(f, "machine-config-operator bootstrap", args); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	return o.Run()
}

func (o Options) check() error {
	var errs []error
	for _, r := range []struct{ flag, value string }{
		{"kube-ca", o.KubeCA}, {"config-file", o.ConfigFile}, {"dest-dir", o.DestDir},
		{"release-image", o.ReleaseImage}, {"image-references", o.ImageReferences},
	} {
		if r.value == "" {
			errs = append(errs, fmt.Errorf("parse arguments: --%s must be given", r.flag))
		}
	}
	return errors.Join(errs...)
}
