package manifests

import (
	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

const forkliftAPI = "forklift.konveyor.io/v1beta1"

func (r *renderer) migration(c *virtualization.Config) {
	m := c.Migration
	if m == nil {
		return
	}
	namespace := r.operator(StepMigration, forklift, m.Catalog, m.Channel)
	o := newObject(forkliftAPI, "ForkliftController", namespace, "forklift-controller")
	// The flags are text.
	o["spec"] = object{"feature_ui_plugin": "true", "feature_validation": "true", "feature_volume_populator": "true"}
	r.add(StepMigration, rankMain, o)
	for _, p := range m.Providers {
		secretName := p.Credentials.SecretName
		if secretName == "" {
			secretName = p.Name
			data := map[string]string{
				"url": p.URL, "user": p.Credentials.Username, "password": p.Credentials.Password.Reveal(),
			}
			if p.InsecureSkipVerify {
				data["insecureSkipVerify"] = "true"
			} else {
				data["cacert"] = p.CACertificate
			}
			r.secret(StepMigration, namespace, secretName, object{
				"createdForProviderType": p.Type, "createdForResourceType": "providers",
			}, data)
		}
		spec := tree{object{
			"type": p.Type, "url": p.URL, "secret": object{"name": secretName, "namespace": namespace},
		}}
		spec.text(p.VDDKImage, "settings", "vddkInitImage")
		o := newObject(forkliftAPI, "Provider", namespace, p.Name)
		o["spec"] = spec.root
		r.add(StepMigration, rankSecond, o)
	}
}
