package addnodes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	ign "github.com/coreos/ignition/v2/config/v3_2/types"
	"github.com/klauspost/compress/gzip"
	"github.com/vincent-petithory/dataurl"
	corev1 "k8s.io/api/core/v1"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1alpha1 "github.com/openshift/api/operator/v1alpha1"

	"github.com/okd-install/okd-install/pkg/ignition"
	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/types"
)

// mirrors are those for images by digest, in the present form and in the older one.
func (r *reader) mirrors(ctx context.Context) error {
	var sets configv1.ImageDigestMirrorSetList
	if err := r.list(ctx, config("imagedigestmirrorsets"), &sets); err != nil {
		return err
	}
	for _, set := range sets.Items {
		for _, m := range set.Spec.ImageDigestMirrors {
			source := types.ImageDigestSource{Source: m.Source, SourcePolicy: string(m.MirrorSourcePolicy)}
			for _, mirror := range m.Mirrors {
				source.Mirrors = append(source.Mirrors, string(mirror))
			}
			r.to.Mirrors = append(r.to.Mirrors, source)
		}
	}
	var policies operatorv1alpha1.ImageContentSourcePolicyList
	old := kube.Kind{Group: "operator.openshift.io", Version: "v1alpha1", Plural: "imagecontentsourcepolicies"}
	if err := r.list(ctx, old, &policies); err != nil {
		return err
	}
	for _, policy := range policies.Items {
		for _, m := range policy.Spec.RepositoryDigestMirrors {
			r.to.Mirrors = append(r.to.Mirrors, types.ImageDigestSource{Source: m.Source, Mirrors: m.Mirrors})
		}
	}
	return nil
}

// list reads all objects of a kind that the cluster may not have.
func (r *reader) list(ctx context.Context, k kube.Kind, into any) error {
	if err := r.api.List(ctx, k, "", into); err != nil && !kube.NotFound(err) {
		return fmt.Errorf("%s: %s", k.Plural, kube.Cause(err))
	}
	return nil
}

// mcfg names a kind of the machine config operator.
func mcfg(plural string) kube.Kind {
	return kube.Kind{Group: "machineconfiguration.openshift.io", Version: "v1", Plural: plural}
}

// machineConfig is read for what the live system needs as well: who may log in, and time servers.
// Everything else, FIPS mode and kernel arguments included, nodes get from the cluster when they
// first boot from their disks.
func (r *reader) machineConfig(ctx context.Context) error {
	var pool struct {
		Status struct {
			Configuration struct{ Name string }
		}
	}
	ref := mcfg("machineconfigpools").Ref("", types.WorkerPool)
	if found, err := r.find(ctx, ref, &pool); err != nil {
		return err
	} else if name := pool.Status.Configuration.Name; found && name != "" {
		var rendered struct {
			Spec struct{ Config json.RawMessage }
		}
		ref := mcfg("machineconfigs").Ref("", name)
		if err := r.get(ctx, ref, &rendered); err != nil {
			return err
		}
		if err := r.settings(rendered.Spec.Config); err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
	}
	if len(r.to.SSHKeys) == 0 {
		r.to.SSHKeys = lines(r.installed.SSHKey)
	}
	return nil
}

// settings reads the Ignition config of a pool.
func (r *reader) settings(raw []byte) error {
	var c ign.Config // newer versions have more fields, and those here are in all of them
	if err := json.Unmarshal(raw, &c); err != nil {
		return fmt.Errorf("read the Ignition config: %w", err)
	}
	for _, user := range c.Passwd.Users {
		if user.Name != "core" {
			continue
		}
		for _, key := range user.SSHAuthorizedKeys {
			r.to.SSHKeys = append(r.to.SSHKeys, string(key))
		}
	}
	for _, f := range c.Storage.Files {
		if f.Path != "/etc/chrony.conf" {
			continue
		}
		content, err := contentOf(f.Contents)
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Path, err)
		}
		r.to.NTPSources = timeServers(content)
	}
	return nil
}

// maxFile is far above the size of what is read here (bytes).
const maxFile = 1 << 20

// contentOf is a file in an Ignition config.
func contentOf(from ign.Resource) (string, error) {
	if from.Source == nil {
		return "", nil
	}
	u, err := dataurl.DecodeString(*from.Source)
	if err != nil {
		return "", err
	}
	if from.Compression == nil || *from.Compression == "" {
		return string(u.Data), nil
	}
	if *from.Compression != "gzip" {
		return "", fmt.Errorf("unknown compression %q", *from.Compression)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(u.Data))
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(io.LimitReader(unpacked, maxFile))
	return string(content), err
}

// timeServers are those that a configuration of chrony names.
func timeServers(conf string) []string {
	var out []string
	for line := range strings.Lines(conf) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch strings.ToLower(words[0]) {
		case "server", "pool", "peer":
			if !slices.Contains(out, words[1]) {
				out = append(out, words[1])
			}
		}
	}
	return out
}

// pointer is the Ignition config with which machines of a role start. The machine config operator
// keeps the first of the secrets up to date; the second is as the installation made it.
func (r *reader) pointer(ctx context.Context, role string) error {
	for _, name := range []string{role + "-user-data-managed", role + "-user-data"} {
		var s corev1.Secret
		ref := kube.Secrets.Ref(machineNamespace, name)
		found, err := r.find(ctx, ref, &s)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		raw := s.Data["userData"]
		if _, _, err := Endpoint(raw); err != nil {
			return fmt.Errorf("%s: %w", ref, err)
		}
		r.to.Pointers[role] = raw
		return nil
	}
	return r.newPointer(ctx, role)
}

// newPointer makes the config for a cluster without the machine API: the authority is the one that
// all nodes know.
func (r *reader) newPointer(ctx context.Context, role string) error {
	var cm corev1.ConfigMap
	ref := kube.ConfigMaps.Ref(systemNamespace, "root-ca")
	found, err := r.find(ctx, ref, &cm)
	if err != nil {
		return err
	}
	if !found || cm.Data["ca.crt"] == "" {
		return fmt.Errorf("how nodes of role %s get their configuration: there is neither Secret "+
			"%s/%s-user-data-managed nor %s-user-data, and no ConfigMap %s/root-ca",
			role, machineNamespace, role, role, systemNamespace)
	}
	internal, err := url.Parse("https://" + r.to.InternalAPI)
	if err != nil || internal.Hostname() == "" {
		return nil // infrastructure has said why
	}
	raw, err := ignition.Pointer(internal.Hostname(), role, []byte(cm.Data["ca.crt"]))
	if err != nil {
		return err
	}
	r.to.Pointers[role] = raw
	return nil
}

// Endpoint returns the URL from which a pointer config fetches the rest, and the authorities, in PEM,
// that it trusts there.
func Endpoint(raw []byte) (source, authorities string, err error) {
	if err := ignition.Check(raw); err != nil {
		return "", "", fmt.Errorf("key userData: %w", err)
	}
	var c ign.Config
	if err := json.Unmarshal(raw, &c); err != nil {
		return "", "", fmt.Errorf("key userData: %w", err)
	}
	for _, m := range c.Ignition.Config.Merge {
		if m.Source != nil {
			source = *m.Source
			break
		}
	}
	u, err := url.Parse(source)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return "", "", errors.New("key userData: it names no machine config server with TLS")
	}
	for _, ca := range c.Ignition.Security.TLS.CertificateAuthorities {
		text, err := contentOf(ca)
		if err != nil {
			return "", "", fmt.Errorf("key userData: authority of the machine config server: %w", err)
		}
		authorities += strings.TrimSpace(text) + "\n"
	}
	if !strings.Contains(authorities, "-----BEGIN CERTIFICATE-----") {
		return "", "", errors.New("key userData: it has no authority of the machine config server")
	}
	return source, authorities, nil
}
