package clustermanifests

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/types/agent"
	"github.com/okd-install/okd-install/pkg/types/values"
)

const maxControlPlane = 5

// check adds what is wrong with manifests that could be read.
func (r *reader) check(d *Definition, platforms []string, release string) {
	r.checkPlatform(d, platforms)
	r.checkNetworking(d)
	r.checkRequirements(d)
	r.checkOverrides(d)
	r.checkCluster(d, release)
	r.checkInfraEnv(d)
	r.checkNetworks(d)
	r.checkReferences(d)
}

// checkPlatform also brings the type into the form that the owners of the resource use:
// their first version had it in lower case.
func (r *reader) checkPlatform(d *Definition, platforms []string) {
	at, spec := r.at(installFile, "spec", "platformType"), &d.Install.Spec
	if spec.PlatformType == "" {
		spec.PlatformType = string(configv1.BareMetalPlatformType)
		if len(spec.APIVIPs) == 0 && !spec.APIVIP.IsValid() {
			at.Required("the platform, one of %s", strings.Join(platforms, ", "))
		}
		return
	}
	i := slices.IndexFunc(platforms, func(name string) bool { return strings.EqualFold(name, spec.PlatformType) })
	if i < 0 {
		at.Unsupported(spec.PlatformType, platforms...)
		at.Break() // what depends on it is not checked
		return
	}
	spec.PlatformType = platforms[i]
}

func (r *reader) checkNetworking(d *Definition) {
	spec := &d.Install.Spec
	unknown := r.at(installFile, "spec", "platformType").Broken()
	managed := spec.PlatformType == string(configv1.BareMetalPlatformType) || unknown
	at := r.at(installFile, "spec", "networking")
	if n := &spec.Networking; n.UserManaged == nil {
		ours := !managed
		n.UserManaged = &ours
	} else if !managed && !*n.UserManaged {
		at.Child("userManagedNetworking").Forbidden("platform %s has no load balancers and DNS of its own; set it to true",
			spec.PlatformType)
	}
	if t := spec.Networking.NetworkType; t == "" {
		spec.Networking.NetworkType = ovn
	} else if t != ovn {
		at.Child("networkType").Unsupported(t, ovn)
	}
	if len(spec.APIVIPs) == 0 && spec.APIVIP.IsValid() {
		spec.APIVIPs = []netip.Addr{spec.APIVIP}
	}
	if len(spec.IngressVIPs) == 0 && spec.IngressVIP.IsValid() {
		spec.IngressVIPs = []netip.Addr{spec.IngressVIP}
	}
	for _, v := range []struct {
		field string
		list  []netip.Addr
	}{{"apiVIPs", spec.APIVIPs}, {"ingressVIPs", spec.IngressVIPs}} {
		if field := r.at(installFile, "spec", v.field); managed && !*spec.Networking.UserManaged && len(v.list) == 0 {
			field.Required("a free address in machineNetwork")
		}
	}
}

func (r *reader) checkRequirements(d *Definition) {
	at, n := r.at(installFile, "spec", "provisionRequirements"), d.Install.Spec.Requirements
	for _, count := range []struct {
		field string
		n     int
	}{{"arbiterAgents", n.Arbiters}, {"workerAgents", n.Workers}} {
		if count.n < 0 {
			at.Child(count.field).Invalid(count.n, "must not be negative")
		}
	}
	switch {
	case n.ControlPlane < 1 || n.ControlPlane > maxControlPlane:
		at.Child("controlPlaneAgents").Unsupported(n.ControlPlane, "1", "2", "3", "4", "5")
	case n.ControlPlane == 1 && n.Workers > 0:
		at.Child("workerAgents").Forbidden("must be 0 with one host of the control plane")
	case n.ControlPlane == 1 && d.Install.Spec.PlatformType == string(configv1.BareMetalPlatformType):
		r.at(installFile, "spec", "platformType").Invalid(d.Install.Spec.PlatformType,
			"a single node can only be on platforms that leave load balancers and DNS to you")
	}
}

func (r *reader) checkOverrides(d *Definition) {
	text, there := d.Install.Metadata.Annotations[overridesKey]
	var object map[string]any
	if there && json.Unmarshal([]byte(text), &object) != nil {
		// It may hold passwords.
		r.at(installFile, "metadata", "annotations", overridesKey).Invalid(values.Hidden, "must be an object in JSON")
	}
}

func (r *reader) checkCluster(d *Definition, release string) {
	name, domain := d.Deployment.Spec.ClusterName, d.Deployment.Spec.BaseDomain
	for _, f := range []struct{ field, value string }{{"clusterName", name}, {"baseDomain", domain}} {
		switch at := r.at(deploymentFile, "spec", f.field); {
		case f.value == "":
			at.Required("the cluster's names are api.<clusterName>.<baseDomain> and the like")
		case !values.IsSubdomain(f.value):
			at.Invalid(f.value, "must be a DNS name of lower-case letters, digits, '-' and '.'")
		}
	}
	at, image := r.at(imageSetFile, "spec", "releaseImage"), d.ImageSet.Spec.ReleaseImage
	switch {
	case image == "":
		at.Required("the pull spec of the release")
	case release != "" && image != release:
		at.Forbidden("must be %s, the release of this installation; choose another one with --release", release)
	}
}

func (r *reader) checkInfraEnv(d *Definition) {
	spec := &d.InfraEnv.Spec
	if cpu, other := cpus[spec.CPUArchitecture]; other {
		spec.CPUArchitecture = cpu
	}
	for i, server := range spec.AdditionalNTPSources {
		values.TimeServer(r.at(infraEnvFile, "spec", "additionalNTPSources").Index(i), server)
	}
	values.SSHKeys(r.at(infraEnvFile, "spec", "sshAuthorizedKey"), spec.SSHAuthorizedKey, false)
	values.SSHKeys(r.at(installFile, "spec", "sshPublicKey"), d.Install.Spec.SSHPublicKey, false)
	values.Certificates(r.at(infraEnvFile, "spec", "additionalTrustBundle"), spec.AdditionalTrustBundle)
}

// checkNetworks checks the network configurations. Those of other labels would have no
// effect.
func (r *reader) checkNetworks(d *Definition) {
	macs := values.Unique{}
	selected := d.InfraEnv.Spec.NetworkSelector.MatchLabels
	for i, n := range d.networks {
		at := r.reports[networkFile].Field(report.Path{}).Index(i)
		switch labels := at.Child("metadata", "labels"); {
		case len(n.meta.Labels) == 0:
			labels.Required("those of spec.nmStateConfigLabelSelector in %s", infraEnvFile)
		case !maps.Equal(n.meta.Labels, selected):
			labels.Invalid(n.meta.Name, "must be those of spec.nmStateConfigLabelSelector in %s", infraEnvFile)
		}
		interfaces := at.Child("spec", "interfaces")
		if len(n.interfaces) == 0 {
			interfaces.Required("at least one interface, by whose macAddress the host is recognized")
		}
		for j, nic := range n.interfaces {
			mac := interfaces.Index(j).Child("macAddress")
			if values.MAC(mac, nic.MACAddress) {
				macs.Add(mac, nic.MACAddress, values.PlainMAC(nic.MACAddress))
			}
		}
		agent.CheckAddresses(at.Child("spec", "config"), slices.Values(n.addresses))
	}
}

// checkReferences warns about names that no object has. openshift-install does not look at them.
func (r *reader) checkReferences(d *Definition) {
	for _, ref := range []struct {
		at         report.Field
		name, want string
	}{
		{r.at(installFile, "spec", "clusterDeploymentRef", "name"),
			d.Install.Spec.ClusterDeploymentRef.Name, d.Deployment.Metadata.Name},
		{r.at(installFile, "spec", "imageSetRef", "name"), d.Install.Spec.ImageSetRef.Name, d.ImageSet.Metadata.Name},
		{r.at(deploymentFile, "spec", "clusterInstallRef", "name"),
			d.Deployment.Spec.ClusterInstallRef.Name, d.Install.Metadata.Name},
		{r.at(deploymentFile, "spec", "pullSecretRef", "name"),
			d.Deployment.Spec.PullSecretRef.Name, r.secrets.Metadata.Name},
		{r.at(infraEnvFile, "spec", "pullSecretRef", "name"), d.InfraEnv.Spec.PullSecretRef.Name, r.secrets.Metadata.Name},
	} {
		if ref.name != ref.want {
			ref.at.Warn(ref.name, "there is no such object; the one that is used is called %q", ref.want)
		}
	}
	if ref := d.InfraEnv.Spec.ClusterRef; ref != nil && ref.Name != d.Deployment.Metadata.Name {
		r.at(infraEnvFile, "spec", "clusterRef", "name").Warn(ref.Name,
			"there is no such object; the one that is used is called %q", d.Deployment.Metadata.Name)
	}
}
