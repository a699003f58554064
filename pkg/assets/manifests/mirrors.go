package manifests

import (
	configv1 "github.com/openshift/api/config/v1"
	operatorv1alpha1 "github.com/openshift/api/operator/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/okd-install/okd-install/pkg/assets/objects"
)

// addMirrors adds the mirrors of images. The kind of object depends on the field.
func addMirrors(set *objects.Set, in Inputs) {
	if sources := in.Config.ImageDigestSources; len(sources) > 0 {
		mirrors := configv1.ImageDigestMirrorSet{
			TypeMeta:   objects.Type("config.openshift.io/v1", "ImageDigestMirrorSet"),
			ObjectMeta: metav1.ObjectMeta{Name: "image-digest-mirror"},
		}
		for _, s := range sources {
			entry := configv1.ImageDigestMirrors{Source: s.Source,
				MirrorSourcePolicy: configv1.MirrorSourcePolicy(s.SourcePolicy)}
			for _, mirror := range s.Mirrors {
				entry.Mirrors = append(entry.Mirrors, configv1.ImageMirror(mirror))
			}
			mirrors.Spec.ImageDigestMirrors = append(mirrors.Spec.ImageDigestMirrors, entry)
		}
		set.Add("image-digest-mirror-set.yaml", mirrors)
	}
	if sources := in.Config.ImageContentSources; len(sources) > 0 {
		policy := operatorv1alpha1.ImageContentSourcePolicy{
			TypeMeta:   objects.Type("operator.openshift.io/v1alpha1", "ImageContentSourcePolicy"),
			ObjectMeta: metav1.ObjectMeta{Name: "image-policy"},
		}
		for _, s := range sources {
			policy.Spec.RepositoryDigestMirrors = append(policy.Spec.RepositoryDigestMirrors,
				operatorv1alpha1.RepositoryDigestMirrors{Source: s.Source, Mirrors: s.Mirrors})
		}
		set.Add("image-content-source-policy.yaml", policy)
	}
}
