package bootstrap

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/mc"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
)

// inputs are the parsed files.
type inputs struct {
	controller *mcfgv1.ControllerConfig
	pullSecret *corev1.Secret
}

func (o Options) read() (inputs, error) {
	var (
		infra   configv1.Infrastructure
		network configv1.Network
		proxy   configv1.Proxy
		dns     configv1.DNS
		trust   corev1.ConfigMap
		cluster corev1.ConfigMap
		cloud   corev1.ConfigMap
		pull    corev1.Secret
	)
	rootCA, caErr := os.ReadFile(o.RootCA)
	kubeCA, kubeErr := os.ReadFile(o.KubeCA)
	images, imagesErr := readImages(o.ImageReferences)
	err := errors.Join(caErr, kubeErr, imagesErr,
		readYAML(o.InfraConfig, &infra), readYAML(o.NetworkConfig, &network),
		readYAML(o.ProxyConfig, &proxy), readYAML(o.DNSConfig, &dns),
		readYAML(o.ConfigFile, &cluster), readYAML(o.PullSecret, &pull),
		optional(readYAML(o.AdditionalTrust, &trust)),
	)
	if o.CloudConfig != "" {
		err = errors.Join(err, readYAML(o.CloudConfig, &cloud))
	}
	var cloudCA []byte
	if o.CloudProviderCA != "" {
		var cloudErr error
		cloudCA, cloudErr = os.ReadFile(o.CloudProviderCA)
		err = errors.Join(err, cloudErr)
	}
	if err != nil {
		return inputs{}, fmt.Errorf("read inputs: %w", err)
	}
	if len(pullData(&pull)) == 0 {
		return inputs{}, fmt.Errorf("read inputs: %s has no key %s", o.PullSecret, corev1.DockerConfigJsonKey)
	}
	dnsIP, err := clusterDNS(&network)
	if err != nil {
		return inputs{}, err
	}

	cc := &mcfgv1.ControllerConfig{
		TypeMeta:   metav1.TypeMeta{APIVersion: mc.APIVersion, Kind: "ControllerConfig"},
		ObjectMeta: metav1.ObjectMeta{Name: mc.ControllerName},
	}
	cc.Spec = mcfgv1.ControllerConfigSpec{
		ClusterDNSIP:               dnsIP,
		CloudProviderConfig:        cloud.Data[infra.Spec.CloudConfig.Key],
		CloudProviderCAData:        cloudCA,
		KubeAPIServerServingCAData: kubeCA,
		RootCAData:                 rootCA,
		AdditionalTrustBundle:      []byte(trust.Data["ca-bundle.crt"]),
		PullSecret:                 &corev1.ObjectReference{Namespace: pull.Namespace, Name: pull.Name},
		Images:                     images,
		ReleaseImage:               o.ReleaseImage,
		Infra:                      &infra,
		DNS:                        &dns,
		NetworkType:                network.Spec.NetworkType,
		IPFamilies:                 mcfgv1.IPFamiliesIPv4,
	}
	if proxy.Status != (configv1.ProxyStatus{}) {
		cc.Spec.Proxy = &proxy.Status
	}
	return inputs{controller: cc, pullSecret: &pull}, nil
}

func readYAML(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("parse %s: %w", path, err)
	}
	return nil
}

func optional(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// pullData is the pull secret of a Secret, which people write in either field.
func pullData(s *corev1.Secret) []byte {
	if d := s.Data[corev1.DockerConfigJsonKey]; len(d) > 0 {
		return d
	}
	return []byte(s.StringData[corev1.DockerConfigJsonKey])
}

// readImages picks the images that the controller needs from the payload's
// ImageStream, which is parsed by hand: the type would bring the whole image API.
func readImages(path string) (map[string]string, error) {
	var stream struct {
		Spec struct {
			Tags []struct {
				Name string
				From struct{ Name string }
			}
		}
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &stream); err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}
	specs := map[string]string{}
	for _, t := range stream.Spec.Tags {
		specs[t.Name] = t.From.Name
	}
	out := map[string]string{}
	var errs []error
	missing := func(tag string) {
		errs = append(errs, fmt.Errorf("%s: the release has no image %q", path, tag))
	}
	for key, tag := range render.ImageTags() {
		if out[key] = specs[tag]; out[key] == "" {
			missing(tag)
		}
	}
	if contract.Since(contract.Version(), "4.21") && specs["docker-registry"] == "" {
		missing("docker-registry")
	}
	return out, errors.Join(errs...)
}

// clusterDNS is the tenth address of the first service network, where OKD's
// DNS operator puts its Service.
func clusterDNS(n *configv1.Network) (string, error) {
	if len(n.Spec.ServiceNetwork) == 0 {
		return "", errors.New("read inputs: the Network has no serviceNetwork")
	}
	p, err := netip.ParsePrefix(n.Spec.ServiceNetwork[0])
	if err != nil {
		return "", fmt.Errorf("read inputs: serviceNetwork: %w", err)
	}
	a := p.Masked().Addr()
	for range 10 {
		a = a.Next()
	}
	if !p.Contains(a) {
		return "", fmt.Errorf("read inputs: serviceNetwork %s has no tenth address", p)
	}
	return a.String(), nil
}
