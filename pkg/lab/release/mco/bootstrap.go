package mco

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	mcfgv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/lab/release/clusterconfig"
	"github.com/okd-install/okd-install/pkg/lab/release/contract"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/api"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
	"github.com/okd-install/okd-install/pkg/lab/release/mco/render"
)

//go:embed templates
var templates embed.FS

// inputs are the files that the bootstrap renderer reads.
type inputs struct {
	rootCA, kubeCA, cloudCA               string
	clusterConfig, pullSecret, references string
	infra, network, proxy, dns            string
	trust, cloudConfig                    string
}

// bootstrap is `machine-config-operator bootstrap`: it turns the installer's
// manifests into
//
//	bootstrap/manifests   what machine-config-controller bootstrap reads
//	bootstrap/machineconfigoperator-bootstrap-pod.yaml
//	manifests             objects for the cluster
//	<platform>/{manifests,static-pod-resources}
func bootstrap(_ context.Context, args []string) error {
	const manifests = "/assets/manifests/"
	var in inputs
	f := contract.Flags("machine-config-operator bootstrap")
	f.StringVar(&in.rootCA, "root-ca", "/etc/ssl/kubernetes/ca.crt",
		"signer of the machine config server's certificate")
	f.StringVar(&in.kubeCA, "kube-ca", "", "CA bundle that kubelets trust for client certificates")
	f.StringVar(&in.clusterConfig, "config-file", "", "ConfigMap with the install-config")
	dest := f.String("dest-dir", "", "directory to write to")
	f.StringVar(&in.pullSecret, "pull-secret", manifests+"pull.json", "Secret with the pull secret")
	release := f.String("release-image", "", "pull spec of the release")
	f.StringVar(&in.references, "image-references", "", "ImageStream of the release payload")
	version := f.String("payload-version", "", "version of the release")
	f.StringVar(&in.cloudCA, "cloud-provider-ca-file", "", "CA bundle of the cloud provider")
	f.StringVar(&in.cloudConfig, "cloud-config-file", "", "ConfigMap with the cloud provider's configuration")
	f.StringVar(&in.infra, "infra-config-file", manifests+"cluster-infrastructure-02-config.yml", "Infrastructure")
	f.StringVar(&in.network, "network-config-file", manifests+"cluster-network-02-config.yml", "Network")
	f.StringVar(&in.proxy, "proxy-config-file", manifests+"cluster-proxy-01-config.yaml", "Proxy")
	f.StringVar(&in.dns, "dns-config-file", manifests+"cluster-dns-02-config.yml", "DNS")
	f.StringVar(&in.trust, "additional-trust-bundle-config-file", manifests+"user-ca-bundle-config.yaml",
		"ConfigMap with further CAs, may be absent")
	err := contract.Parse(f, args, "kube-ca", "config-file", "dest-dir", "release-image", "image-references")
	if err != nil {
		return err
	}
	cc, pull, err := in.read()
	if err != nil {
		return fmt.Errorf("read inputs: %w", err)
	}
	cc.Spec.ReleaseImage = *release
	const pullSecret = "machineconfigcontroller-pull-secret"
	own := map[string]any{"machineconfigcontroller-controllerconfig.yaml": cc, pullSecret: pull}
	cluster := map[string]any{"machine-config-operator_controllerconfig.yaml": cc}
	for _, role := range render.Roles(cc) {
		own[role+".machineconfigpool.yaml"] = render.Pool(role)
		cluster["machine-config-operator_"+role+".machineconfigpool.yaml"] = render.Pool(role)
	}
	out := api.Files{}
	if err := errors.Join(out.Add("bootstrap/manifests", own), out.Add("manifests", cluster)); err != nil {
		return err
	}
	pod, err := program.FillFile(templates, "templates/bootstrap-pod.yaml.tmpl",
		struct{ Image, PullSecret, Version string }{
			cc.Spec.Images[render.ImageMCO], "/etc/mcc/bootstrap/" + pullSecret, *version,
		})
	if err != nil {
		return err
	}
	out["bootstrap/machineconfigoperator-bootstrap-pod.yaml"] = pod
	if err := addPlatform(out, cc); err != nil {
		return err
	}
	return out.Write(*dest)
}

// addPlatform adds the bootstrap machine's own static pods and their objects.
func addPlatform(out api.Files, cc *mcfgv1.ControllerConfig) error {
	d, err := render.NewData(cc, "bootstrap")
	if err != nil {
		return err
	}
	d.Bootstrap = true
	text, err := program.FillFile(templates, "templates/cluster-objects.yaml.tmpl", d)
	if err != nil {
		return err
	}
	// One object per file, and these files first: the masters' kubelets ask for their
	// certificates as soon as the API answers, and wait longer after each refusal.
	for _, doc := range strings.Split(string(text), "\n---\n") {
		objects, err := api.Decode([]byte(doc))
		if err != nil {
			return fmt.Errorf("render cluster objects: %w", err)
		}
		for _, o := range objects {
			level := "10"
			if o.GetKind() == "Namespace" {
				level = "00"
			}
			name := strings.ToLower(o.GetKind()) + "-" + strings.ReplaceAll(o.GetName(), ":", "-")
			out["manifests/0000_00_machine-config-operator_"+level+"_"+name+".yaml"] = []byte(doc)
		}
	}
	files, err := render.OnPrem(d)
	platform := strings.ToLower(string(cc.Spec.Infra.Status.PlatformStatus.Type))
	for _, f := range files {
		out[platform+"/"+f.Path] = f.Data
	}
	return err
}

// read makes the controller config, without the release, and the pull secret.
func (in inputs) read() (*mcfgv1.ControllerConfig, *corev1.Secret, error) {
	var (
		infra                 configv1.Infrastructure
		network               configv1.Network
		proxy                 configv1.Proxy
		dns                   configv1.DNS
		trust, cluster, cloud corev1.ConfigMap
		pull                  corev1.Secret
	)
	var errs []error
	object := func(path string, into any) { errs = append(errs, api.ReadYAML(path, into)) }
	file := func(path string) []byte {
		data, err := os.ReadFile(path)
		errs = append(errs, err)
		return data
	}
	rootCA, kubeCA := file(in.rootCA), file(in.kubeCA)
	images, err := readImages(in.references)
	object(in.infra, &infra)
	object(in.network, &network)
	object(in.proxy, &proxy)
	object(in.dns, &dns)
	object(in.clusterConfig, &cluster)
	object(in.pullSecret, &pull)
	if _, err := os.Stat(in.trust); !errors.Is(err, fs.ErrNotExist) {
		object(in.trust, &trust)
	}
	if in.cloudConfig != "" {
		object(in.cloudConfig, &cloud)
	}
	var cloudCA []byte
	if in.cloudCA != "" {
		cloudCA = file(in.cloudCA)
	}
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, nil, err
	}
	data := pull.Data[corev1.DockerConfigJsonKey]
	if len(data) == 0 { // people write it in either field
		data = []byte(pull.StringData[corev1.DockerConfigJsonKey])
	}
	if len(data) == 0 {
		return nil, nil, fmt.Errorf("%s has no key %s", in.pullSecret, corev1.DockerConfigJsonKey)
	}
	login := api.Secret(pull.Namespace, pull.Name, map[string][]byte{corev1.DockerConfigJsonKey: data})
	login.Type = corev1.SecretTypeDockerConfigJson
	dnsIP, err := clusterconfig.DNSAddress(network.Spec)
	if err != nil {
		return nil, nil, err
	}
	cc := &mcfgv1.ControllerConfig{
		TypeMeta:   metav1.TypeMeta{APIVersion: render.APIVersion, Kind: "ControllerConfig"},
		ObjectMeta: metav1.ObjectMeta{Name: render.ControllerName},
		Spec: mcfgv1.ControllerConfigSpec{
			ClusterDNSIP:               dnsIP,
			CloudProviderConfig:        cloud.Data[infra.Spec.CloudConfig.Key],
			CloudProviderCAData:        cloudCA,
			KubeAPIServerServingCAData: kubeCA,
			RootCAData:                 rootCA,
			AdditionalTrustBundle:      []byte(trust.Data["ca-bundle.crt"]),
			PullSecret:                 &corev1.ObjectReference{Namespace: pull.Namespace, Name: pull.Name},
			Images:                     images,
			Infra:                      &infra,
			DNS:                        &dns,
			NetworkType:                network.Spec.NetworkType,
			IPFamilies:                 mcfgv1.IPFamiliesIPv4,
		},
	}
	if proxy.Status != (configv1.ProxyStatus{}) {
		cc.Spec.Proxy = &proxy.Status
	}
	return cc, login, nil
}

// readImages picks the images that the controller needs.
func readImages(path string) (map[string]string, error) {
	refs, err := contract.ReadReferences(path)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	wanted := []string{}
	for key, tag := range render.ImageTags() {
		out[key] = refs.Images[tag]
		wanted = append(wanted, tag)
	}
	if contract.Since(contract.Version(), "4.21") {
		wanted = append(wanted, "docker-registry")
	}
	var errs []error
	for _, tag := range wanted {
		if refs.Images[tag] == "" {
			errs = append(errs, fmt.Errorf("%s: the release has no image %q", path, tag))
		}
	}
	return out, errors.Join(errs...)
}
