// Package cdi is the lab's Containerized Data Importer: its operator, the controllers of DataVolumes, crons, sources
// and storage profiles, and the program in importer pods. It fills claims by populators alone, as the real one does on
// CSI storage.
package cdi

import (
	cdiv1 "kubevirt.io/containerized-data-importer-api/pkg/apis/core/v1beta1"
	sdk "kubevirt.io/controller-lifecycle-operator-sdk/api"

	"github.com/okd-install/okd-install/pkg/kube"
	"github.com/okd-install/okd-install/pkg/lab/release/crds"
	"github.com/okd-install/okd-install/pkg/lab/virt/kit/schema"
)

const group = "cdi.kubevirt.io"

func kind(plural string) kube.Kind {
	return kube.Kind{Group: group, Version: "v1beta1", Plural: plural}
}

var (
	cdis          = kind("cdis")
	configs       = kind("cdiconfigs")
	dataVolumes   = kind("datavolumes")
	profiles      = kind("storageprofiles")
	dataSources   = kind("datasources")
	crons         = kind("dataimportcrons")
	importSources = kind("volumeimportsources")
	cloneSources  = kind("volumeclonesources")
	uploadSources = kind("volumeuploadsources")
	versionStored = "v1beta1"
	operandLabels = map[string]string{"operator.cdi.kubevirt.io": ""}
	ageColumn     = column("Age", "date", ".metadata.creationTimestamp")
	phaseColumn   = column("Phase", "string", ".status.phase")
	volumeColumns = []crds.Column{phaseColumn, column("Progress", "string", ".status.progress"),
		column("Restarts", "integer", ".status.restartCount"), ageColumn}
	operatorColumns = []crds.Column{ageColumn, phaseColumn}
)

func column(name, kind, path string) crds.Column {
	return crds.Column{Name: name, Type: kind, Path: path}
}

// Definition is that of CDI itself, which comes with the bundle.
func Definition() schema.Definition {
	status := schema.Of[sdk.Status]()
	return schema.Definition{
		Group: group, Kind: "CDI", Plural: "cdis", Short: []string{"cdi", "cdis"}, Labels: operandLabels,
		Versions: []schema.Version{{
			Name: versionStored, Stored: true, Spec: schema.Of[cdiv1.CDISpec](), Status: status, NoStatus: true,
			Columns: operatorColumns,
		}},
	}
}

// Definitions are those that the operator makes when there is a CDI.
func Definitions() []schema.Definition {
	one := func(name, plural string, namespaced bool, v schema.Version) schema.Definition {
		v.Name, v.Stored = versionStored, true
		return schema.Definition{
			Group: group, Kind: name, Plural: plural, Namespaced: namespaced, Labels: operandLabels,
			Versions: []schema.Version{v},
		}
	}
	dv := one("DataVolume", "datavolumes", true, schema.Version{
		Spec: schema.Of[cdiv1.DataVolumeSpec](), Status: schema.Of[cdiv1.DataVolumeStatus](), Columns: volumeColumns,
	})
	dv.Short, dv.Categories = []string{"dv", "dvs"}, []string{"all"}
	source := one("DataSource", "datasources", true, schema.Version{
		Spec: schema.Of[cdiv1.DataSourceSpec](), Status: schema.Of[cdiv1.DataSourceStatus](), NoStatus: true,
	})
	source.Short, source.Categories = []string{"das"}, []string{"all"}
	cron := one("DataImportCron", "dataimportcrons", true, schema.Version{
		Spec: schema.Of[cdiv1.DataImportCronSpec](), Status: schema.Of[cdiv1.DataImportCronStatus](), NoStatus: true,
		Columns: []crds.Column{column("Format", "string", ".status.sourceFormat")},
	})
	cron.Short, cron.Categories = []string{"dic", "dics"}, []string{"all"}
	return []schema.Definition{
		dv, source, cron,
		one("CDIConfig", "cdiconfigs", false, schema.Version{
			Spec: schema.Of[cdiv1.CDIConfigSpec](), Status: schema.Of[cdiv1.CDIConfigStatus](), NoStatus: true,
		}),
		one("StorageProfile", "storageprofiles", false, schema.Version{
			Spec: schema.Of[cdiv1.StorageProfileSpec](), Status: schema.Of[cdiv1.StorageProfileStatus](),
		}),
		one("VolumeImportSource", "volumeimportsources", true, schema.Version{
			Spec: schema.Of[cdiv1.VolumeImportSourceSpec](), Status: schema.Of[cdiv1.VolumeImportSourceStatus](), NoStatus: true,
		}),
		one("VolumeUploadSource", "volumeuploadsources", true, schema.Version{
			Spec: schema.Of[cdiv1.VolumeUploadSourceSpec](), Status: schema.Of[cdiv1.VolumeUploadSourceStatus](), NoStatus: true,
		}),
		one("VolumeCloneSource", "volumeclonesources", true, schema.Version{
			Spec: schema.Of[cdiv1.VolumeCloneSourceSpec](), NoStatus: true,
		}),
	}
}
