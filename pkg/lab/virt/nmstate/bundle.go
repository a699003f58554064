package nmstate

import (
	"io/fs"

	"github.com/okd-install/okd-install/pkg/lab/release/component"
	"github.com/okd-install/okd-install/pkg/lab/release/kit/program"
)

// Package and channel of the operator in the catalog of okderators.
const (
	Package = "kubernetes-nmstate-operator"
	Channel = "alpha"
)

// Bundle is the operator's bundle of a version, as in its image: manifests and metadata.
// The image has both programs of Commands in /usr/bin. Only the definition of NMState is in
// it; the operator makes the others when there is an NMState.
func Bundle(version, image string) (fs.FS, error) {
	values := map[string]string{"Version": version, "Image": image}
	files := map[string][]byte{}
	for to, from := range map[string]string{
		"manifests/kubernetes-nmstate-operator.clusterserviceversion.yaml": "manifests/csv.yaml",
		"manifests/nmstate.io_nmstates.yaml":                               "manifests/nmstate.crd.yaml",
		"metadata/annotations.yaml":                                        "manifests/annotations.yaml",
	} {
		var err error
		if files[to], err = program.FillFile(manifests, from, values); err != nil {
			return nil, err
		}
	}
	return component.Map(files), nil
}
