package clustermanifests

import (
	"encoding/base64"
	"path"

	"github.com/okd-install/okd-install/pkg/asset"
	"github.com/okd-install/okd-install/pkg/assets/mirrors"
	"github.com/okd-install/okd-install/pkg/nmstate/keyfile"
	"github.com/okd-install/okd-install/pkg/report"
	"github.com/okd-install/okd-install/pkg/secret"
	"github.com/okd-install/okd-install/pkg/types/decode"
	"github.com/okd-install/okd-install/pkg/types/values"
)

// Definition is a cluster as its manifests define it, with the user's edits.
type Definition struct {
	Install    AgentClusterInstall
	Deployment ClusterDeployment
	ImageSet   ClusterImageSet
	InfraEnv   InfraEnv
	PullSecret secret.String
	Registries []mirrors.Registry
	// Bundle is the certificates of authorities that hosts trust, in PEM.
	Bundle string
	// Keyfiles are the profiles of NetworkManager for hosts, a directory for each.
	Keyfiles []keyfile.File

	networks []network
	files    asset.Files
}

// Canonical is for hashing: the files that the definition was read from.
func (d Definition) Canonical() []byte {
	var out []byte
	for _, f := range d.files.Sorted() {
		out = append(append(append(out, f.Path...), 0), f.Data...)
	}
	return out
}

// reader reads the files of a definition.
type reader struct {
	files   asset.Files
	found   *report.Report // all findings
	secrets PullSecret
	reports map[string]*report.Report
}

// at is a field of a file, for findings.
func (r *reader) at(file string, names ...string) report.Field {
	return r.reports[file].Field(report.NewPath(names...))
}

// Read reads the manifests of a cluster strictly. The platforms are the names of the types
// that a cluster can be of, and the release is the image that is going to be installed,
// empty if it is not known.
func Read(files asset.Files, platforms []string, release string) (Definition, *report.Report) {
	r := &reader{files: files, found: report.New(Dir), reports: map[string]*report.Report{}}
	d := Definition{files: files}
	known := append(Files(), MirrorFiles()...)
	for _, name := range known {
		r.reports[name] = report.New(name)
	}
	r.refuseUnknown(known)
	complete := r.yaml(installFile, &d.Install)
	complete = r.yaml(deploymentFile, &d.Deployment) && complete
	complete = r.yaml(imageSetFile, &d.ImageSet) && complete
	complete = r.yaml(infraEnvFile, &d.InfraEnv) && complete
	complete = r.yaml(pullSecretFile, &r.secrets) && complete
	if data, there := r.files.Get(networkFile); there {
		d.networks = networks(data.Data, r.reports[networkFile])
	}
	if data, there := r.files.Get(registriesFile); there {
		d.Registries = mirrors.Read(data.Data, r.reports[registriesFile])
	}
	d.Bundle = string(r.files.Data(bundleFile))
	values.Certificates(r.at(bundleFile), d.Bundle)
	if complete {
		r.readSecret(&d)
		r.check(&d, platforms, release)
	}
	if data, there := r.files.Get(networkFile); there && !r.reports[networkFile].Failed() {
		d.Keyfiles = keyfiles(data.Data, r.reports[networkFile])
	}
	for _, name := range known {
		r.found.Include(r.reports[name])
	}
	return d, r.found
}

// refuseUnknown adds files whose names nobody reads.
func (r *reader) refuseUnknown(known []string) {
	for _, f := range r.files {
		if r.reports[f.Path] != nil {
			continue
		}
		detail := "nothing reads this file; remove it"
		if guess := report.Closest(f.Path, known); guess != "" {
			detail += ", or call it " + path.Base(guess)
		}
		r.found.Add(report.Finding{File: f.Path, Type: report.Unsupported, Detail: detail})
	}
}

// yaml reads a file that must exist, and reports whether it could be read.
func (r *reader) yaml(name string, into any) bool {
	file, there := r.files.Get(name)
	if !there {
		r.at(name).Required("the file does not exist")
		return false
	}
	return decode.Into(into, file.Data, decode.Options{}, r.reports[name])
}

// readSecret finds the logins in the Secret.
func (r *reader) readSecret(d *Definition) {
	at := r.at(pullSecretFile, "stringData", dockerConfig)
	d.PullSecret = r.secrets.StringData[dockerConfig]
	if encoded := r.secrets.Data[dockerConfig]; d.PullSecret.IsZero() && !encoded.IsZero() {
		at = r.at(pullSecretFile, "data", dockerConfig)
		text, err := base64.StdEncoding.DecodeString(encoded.Reveal())
		if err != nil {
			at.Invalid(values.Hidden, "must be in base64")
			return
		}
		d.PullSecret = secret.New(string(text))
	}
	values.PullSecret(at, d.PullSecret.Reveal())
}
