package manifests

import (
	"encoding/base64"
	"fmt"

	"github.com/okd-install/okd-install/pkg/types/virtualization"
)

const (
	backupSecret = "cloud-credentials" // the name that OADP expects for S3
	backupKey    = "cloud"
)

func (r *renderer) backup(c *virtualization.Config) {
	b := c.Backup
	if b == nil {
		return
	}
	namespace := r.operator(StepBackup, oadp, c.Operator.AddOns, "")
	secretName := b.Credentials.SecretName
	if secretName == "" {
		secretName = backupSecret
		r.secret(StepBackup, namespace, secretName, nil, map[string]string{backupKey: fmt.Sprintf(
			"[default]\naws_access_key_id=%s\naws_secret_access_key=%s\n",
			b.Credentials.AccessKeyID, b.Credentials.SecretAccessKey.Reveal())})
	}
	config := tree{object{"profile": "default", "region": b.Region}}
	config.text(b.URL, "s3Url")
	if is(b.ForcePathStyle, false) {
		config.set("true", "s3ForcePathStyle")
	}
	if b.InsecureSkipVerify {
		config.set("true", "insecureSkipTLSVerify")
	}
	place := tree{object{"bucket": b.Bucket, "prefix": b.Prefix}}
	if b.CACertificate != "" {
		place.set(base64.StdEncoding.EncodeToString([]byte(b.CACertificate)), "caCert")
	}
	o := newObject("oadp.openshift.io/v1alpha1", "DataProtectionApplication", namespace, "okd-install")
	o["spec"] = object{
		"configuration": object{
			"velero":    object{"defaultPlugins": []any{"openshift", "kubevirt", "csi", "aws"}},
			"nodeAgent": object{"enable": is(b.NodeAgent, true), "uploaderType": "kopia"},
		},
		"backupLocations": []any{object{
			"name": "default",
			"velero": object{
				"provider": "aws", "default": true, "objectStorage": place.root, "config": config.root,
				"credential": object{"name": secretName, "key": backupKey},
			},
		}},
	}
	r.add(StepBackup, rankMain, o)
}

// secret adds a Secret with text.
func (r *renderer) secret(step, namespace, name string, marks object, data map[string]string) {
	o := newObject("v1", "Secret", namespace, name)
	if marks != nil {
		o["metadata"].(object)["labels"] = marks
	}
	o["type"] = "Opaque"
	values := object{}
	for key, value := range data {
		values[key] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	o["data"] = values // stringData would be a field of nobody's once it is stored
	r.add(step, rankFirst, o)
}
