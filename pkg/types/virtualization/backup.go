package virtualization

import "github.com/okd-install/okd-install/pkg/secret"

// Backup is backups with OADP in a bucket of S3.
type Backup struct {
	// Bucket is the name of the bucket.
	Bucket string `json:"bucket" required:"true" pattern:"bucket"`
	// Prefix is the directory in the bucket. Default: velero.
	Prefix string `json:"prefix,omitempty" default:"velero" pattern:"prefix"`
	// URL is where S3 is, like https://s3.example.com:9000. Default: Amazon.
	URL string `json:"url,omitempty" pattern:"url"`
	// Region is the region of the bucket. Default: us-east-1 with url. Required without.
	Region string `json:"region,omitempty" pattern:"channel"`
	// ForcePathStyle puts the bucket into the path instead of the host name. Default: true with url, else false.
	ForcePathStyle *bool `json:"forcePathStyle,omitempty"`
	// CACertificate is certificates of authorities that the server's certificate is checked with. Default: the
	// operating system's. PEM.
	CACertificate string `json:"caCertificate,omitempty" pattern:"certificate"`
	// InsecureSkipVerify accepts any certificate of the server. Default: false.
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`
	// Credentials are the login.
	Credentials S3Credentials `json:"credentials" required:"true"`
	// NodeAgent runs pods on the nodes that move the content of snapshots to the bucket. Default: true.
	NodeAgent *bool `json:"nodeAgent,omitempty" default:"true"`
}

// S3Credentials are a login of S3: one of secretName, file, or accessKeyID with secretAccessKey.
type S3Credentials struct {
	// SecretName is the Secret in namespace openshift-adp that has a file of credentials as key cloud.
	SecretName string `json:"secretName,omitempty" pattern:"object-name"`
	// File is a file of credentials as the AWS command line has it, whose profile default counts. Relative to the
	// directory of virtualization.yaml.
	File string `json:"file,omitempty" pattern:"file"`
	// AccessKeyID is the name of the key.
	AccessKeyID string `json:"accessKeyID,omitempty"`
	// SecretAccessKey is the key.
	SecretAccessKey secret.String `json:"secretAccessKey,omitzero"`
}
