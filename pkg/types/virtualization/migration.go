package virtualization

import "github.com/okd-install/okd-install/pkg/secret"

// Migration is the import of VMs with Forklift.
type Migration struct {
	// Catalog is the catalog with the Forklift operator. Default: one of quay.io/kubev2v/forklift-operator-index, or
	// its mirror.
	Catalog Catalog `json:"catalog,omitzero"`
	// Channel is the channel of the operator. Default: development.
	Channel string `json:"channel,omitempty" default:"development" pattern:"channel"`
	// Providers are the platforms with VMs. Default: none.
	Providers []Provider `json:"providers,omitempty"`
}

// Kinds of providers.
const (
	OVirtProvider   = "ovirt"
	VSphereProvider = "vsphere"
)

// Provider is a platform with VMs.
type Provider struct {
	// Name is the name of the provider.
	Name string `json:"name" required:"true" pattern:"label-name"`
	// Type is the kind of platform. One of ovirt, vsphere.
	Type string `json:"type" required:"true" enum:"ovirt,vsphere"`
	// URL is where the platform's API is: https://<host>/ovirt-engine/api, or https://<host>/sdk.
	URL string `json:"url" required:"true" pattern:"url"`
	// Credentials are the login.
	Credentials ProviderCredentials `json:"credentials" required:"true"`
	// CACertificate is certificates of authorities that the server's certificate is checked with. Required unless
	// insecureSkipVerify or credentials.secretName is set. PEM.
	CACertificate string `json:"caCertificate,omitempty" pattern:"certificate"`
	// InsecureSkipVerify accepts any certificate of the server. Default: false.
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`
	// VDDKImage is your image of VMware's VDDK, which makes imports from vSphere faster. Default: none. Only for
	// vsphere.
	VDDKImage string `json:"vddkImage,omitempty" pattern:"image"`
}

// ProviderCredentials are a login of a platform: secretName, or username with password or passwordFile.
type ProviderCredentials struct {
	// SecretName is a Secret in namespace konveyor-forklift, as Forklift has it.
	SecretName string `json:"secretName,omitempty" pattern:"object-name"`
	// Username is the user, like admin@internal.
	Username string `json:"username,omitempty"`
	// Password is the user's password.
	Password secret.String `json:"password,omitzero"`
	// PasswordFile is a file whose first line is the password. Relative to the directory of virtualization.yaml.
	PasswordFile string `json:"passwordFile,omitempty" pattern:"file"`
}
