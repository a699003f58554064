package virtualization_test

import "testing"

func TestAvailability(t *testing.T) {
	health := func(fields string) string { return rwx + "availability: {nodeHealthCheck: {" + fields + "}}\n" }
	moves := func(fields string) string { return rwx + "availability: {descheduler: {" + fields + "}}\n" }
	run(t, []row{
		{"all fields", three, rwx + `availability:
  nodeHealthCheck: {nodeSelector: {a: b}, minHealthy: "2", unhealthyAfter: 10m}
  descheduler: {profile: KubeVirtRelieveAndMigrate, mode: Predictive, interval: 30m}
`, `warns availability.descheduler.profile ~ psi=1
			availability.nodeHealthCheck.unhealthyAfter = "10m0s"`},
		{"defaults", three, rwx + "availability: {nodeHealthCheck: {}, descheduler: {}}\n", `
			availability.nodeHealthCheck.minHealthy = "51%"
			availability.nodeHealthCheck.nodeSelector = {"node-role.kubernetes.io/worker":""}
			availability.nodeHealthCheck.unhealthyAfter = "5m0s"
			availability.descheduler = {"interval":"1h0m0s","mode":"Automatic","profile":"LongLifecycle"}`},
		{"two nodes", two, health(""), `availability.nodeHealthCheck.minHealthy = "50%"`},
		{"two nodes that must both be healthy", two, health("minHealthy: 51%"),
			`warns availability.nodeHealthCheck.minHealthy @ 51%`},
		{"one node", single, health(""), `availability.nodeHealthCheck: Forbidden`},
		{"one node, and descheduler", lone, moves(""), `availability.descheduler: Forbidden`},
		{"most of the nodes, in words", two, health("minHealthy: most"),
			`availability.nodeHealthCheck.minHealthy: Invalid value`},
		{"no node healthy", two, health("minHealthy: 0%"), `availability.nodeHealthCheck.minHealthy: Invalid value`},
		{"a hasty check", two, health("unhealthyAfter: 10s"), `availability.nodeHealthCheck.unhealthyAfter: Invalid value`},
		{"a bad label", two, health("nodeSelector: {a: 'b c'}"),
			`availability.nodeHealthCheck.nodeSelector.a: Invalid value`},
		{"another profile", two, moves("profile: AffinityAndTaints"), `availability.descheduler.profile: Unsupported value`},
		{"another mode", two, moves("mode: Manual"), `availability.descheduler.mode: Unsupported value`},
		{"all the time", two, moves("interval: 1s"), `availability.descheduler.interval: Invalid value`},
	})
}

func TestBackup(t *testing.T) {
	s3 := func(fields string) string { return rwx + "backup: {" + fields + "}\n" }
	const login = ", credentials: {secretName: a}"
	run(t, []row{
		{"all fields", three, rwx + `backup:
  bucket: vm-backups
  prefix: demo/vms
  url: https://s3.test:9000
  region: minio
  forcePathStyle: false
  insecureSkipVerify: true
  credentials: {accessKeyID: AKIA, secretAccessKey: s3cr3t}
  nodeAgent: false
`, `backup.credentials = {"accessKeyID":"AKIA","secretAccessKey":"(hidden)"}
			backup.forcePathStyle = false`},
		{"defaults with a URL", three, s3("bucket: abc, url: 'https://s3.test', credentials: {file: s3-credentials}"), `
			backup.bucket = "abc"
			backup.credentials = {"file":"s3-credentials"}
			backup.forcePathStyle = true
			backup.nodeAgent = true
			backup.prefix = "velero"
			backup.region = "us-east-1"
			backup.url = "https://s3.test"`},
		{"defaults with Amazon", three, s3("bucket: abc, region: eu-central-1" + login), `
			backup.forcePathStyle = false
			backup.region = "eu-central-1"`},
		{"nothing", two, s3(""), `
			backup.bucket: Required value
			backup.credentials: Required value
			backup.region: Required value ~ set url`},
		{"no credentials", two, s3("bucket: abc, region: eu, credentials: {}"), `backup.credentials: Required value`},
		{"two logins", two, s3("bucket: abc, region: eu, credentials: {secretName: a, file: b}"),
			`backup.credentials.file: Forbidden ~ secretName and file`},
		{"half a login", two, s3("bucket: abc, region: eu, credentials: {accessKeyID: a}"),
			`backup.credentials.secretAccessKey: Required value`},
		{"the other half", two, s3("bucket: abc, region: eu, credentials: {secretAccessKey: s3cr3t}"),
			`backup.credentials.accessKeyID: Required value`},
		{"a key that is a number", two, s3("bucket: abc, region: eu, credentials: {accessKeyID: a, secretAccessKey: 123456}"),
			`backup.credentials.secretAccessKey: Invalid value`},
		{"a file that is a directory", two, s3("bucket: abc, region: eu, credentials: {file: a/}"),
			`backup.credentials.file: Invalid value`},
		{"a bucket in capitals", two, s3("bucket: ABC, region: eu" + login), `backup.bucket: Invalid value`},
		{"a short bucket", two, s3("bucket: ab, region: eu" + login), `backup.bucket: Invalid value`},
		{"a bucket with two dots", two, s3("bucket: a..b, region: eu" + login), `backup.bucket: Invalid value`},
		{"a prefix with slashes around", two, s3("bucket: abc, region: eu, prefix: /a/" + login),
			`backup.prefix: Invalid value`},
		{"a URL of S3", two, s3("bucket: abc, url: 's3://abc'" + login), `backup.url: Invalid value`},
		{"a URL with login", two, s3("bucket: abc, url: 'https://u:s3cr3t@s3.test'" + login),
			`backup.url: Invalid value ~ login`},
		{"no certificate", two, s3("bucket: abc, url: 'https://s3.test', caCertificate: hello" + login),
			`backup.caCertificate: Invalid value`},
		{"trust without TLS", two, s3("bucket: abc, url: 'http://s3.test', insecureSkipVerify: true" + login),
			`backup.insecureSkipVerify: Forbidden`},
		{"a bad Secret", two, s3("bucket: abc, region: eu, credentials: {secretName: A_B}"),
			`backup.credentials.secretName: Invalid value`},
	})
	both := rwx + "backup:\n  bucket: abc\n  url: https://s3.test\n  credentials: {secretName: a}\n" +
		"  insecureSkipVerify: true\n  caCertificate: |\n" + indented(certificate)
	run(t, []row{
		{"certificate and none", two, both, `backup.insecureSkipVerify: Forbidden ~ keep one`},
	})
}

func TestMigration(t *testing.T) {
	provider := func(fields string) string { return rwx + "migration: {providers: [{name: a, " + fields + "}]}\n" }
	const (
		ovirt   = "type: ovirt, url: 'https://engine.test/ovirt-engine/api'"
		vsphere = "type: vsphere, url: 'https://vcenter.test/sdk'"
		login   = ", insecureSkipVerify: true, credentials: {username: a, password: s3cr3t}"
	)
	run(t, []row{
		{"all fields", three, rwx + `migration:
  catalog: {name: mine, namespace: olm, image: "r.test/forklift/index:v1"}
  channel: release-v2.9
  providers:
  - {name: old, ` + ovirt + `, credentials: {secretName: engine}}
  - {name: vc, ` + vsphere + `, insecureSkipVerify: true, vddkImage: "r.test/vm/vddk:8",
     credentials: {username: administrator@vsphere.local, passwordFile: vcenter-password}}
`, `migration.catalog.name = "mine"
			migration.providers[1].credentials.passwordFile = "vcenter-password"`},
		{"defaults", three, rwx + "migration: {}\n", `
			migration.catalog.image = "quay.io/kubev2v/forklift-operator-index:latest"
			migration.catalog.name = "okd-install-forklift"
			migration.catalog.namespace = "openshift-marketplace"
			migration.channel = "development"`},
		{"a mirror", mirrored("quay.io/kubev2v"), rwx + "migration: {}\n",
			`migration.catalog.image = "mirror.test:5000/kubev2v/forklift-operator-index:latest"`},
		{"a catalog of the cluster", two, rwx + "migration: {catalog: {name: community-operators}}\n",
			`migration.catalog.image = null`},
		{"a catalog that the cluster resets", two,
			rwx + "migration: {catalog: {name: community-operators, image: r.test/a/b}}\n",
			`migration.catalog.name: Invalid value`},
		{"nothing", two, rwx + "migration: {providers: [{}]}\n", `
			migration.providers[0].name: Required value
			migration.providers[0].type: Required value
			migration.providers[0].url: Required value
			migration.providers[0].credentials: Required value
			migration.providers[0].caCertificate: Required value`},
		{"another platform", two, provider("type: hyperv, url: 'https://a.test'" + login),
			`migration.providers[0].type: Unsupported value @ hyperv`},
		{"the URL of the portal", two, provider("type: ovirt, url: 'https://engine.test/ovirt-engine'" + login),
			`migration.providers[0].url: Invalid value ~ must end with /ovirt-engine/api`},
		{"the URL of vCenter", two, provider("type: vsphere, url: 'https://vcenter.test'" + login),
			`migration.providers[0].url: Invalid value ~ must end with /sdk`},
		{"a URL without TLS", two, provider("type: vsphere, url: 'http://vcenter.test/sdk'" + login),
			`migration.providers[0].url: Invalid value ~ https`},
		{"no URL", two, provider("type: vsphere, url: vcenter.test" + login), `migration.providers[0].url: Invalid value`},
		{"no certificate", two, provider(ovirt + ", credentials: {username: a, password: s3cr3t}"),
			`migration.providers[0].caCertificate: Required value ~ insecureSkipVerify`},
		{"no password", two, provider(ovirt + ", insecureSkipVerify: true, credentials: {username: a}"),
			`migration.providers[0].credentials.passwordFile: Required value`},
		{"no user", two, provider(ovirt + ", insecureSkipVerify: true, credentials: {password: s3cr3t}"),
			`migration.providers[0].credentials.username: Required value`},
		{"two passwords", two, provider(ovirt + ", insecureSkipVerify: true, " +
			"credentials: {username: a, password: s3cr3t, passwordFile: b}"),
			`migration.providers[0].credentials.passwordFile: Forbidden`},
		{"a Secret and a user", two, provider(ovirt + ", credentials: {secretName: a, username: b}"),
			`migration.providers[0].credentials.secretName: Forbidden`},
		{"VDDK for oVirt", two, provider(ovirt + ", vddkImage: r.test/vm/vddk:8" + login),
			`migration.providers[0].vddkImage: Forbidden`},
		{"a name twice", two,
			rwx + "migration:\n  providers:\n  - {name: a, " + ovirt + login + "}\n  - {name: a, " + vsphere + login + "}\n",
			`migration.providers[1].name: Duplicate value`},
		{"a bad name", two, rwx + "migration: {providers: [{name: a.b, " + ovirt + login + "}]}\n",
			`migration.providers[0].name: Invalid value`},
	})
	secretAndCA := rwx + "migration:\n  providers:\n  - name: a\n    type: ovirt\n" +
		"    url: https://engine.test/ovirt-engine/api\n    credentials: {secretName: a}\n    caCertificate: |\n" +
		indented(indented(certificate))
	run(t, []row{
		{"a Secret and certificates", two, secretAndCA, `migration.providers[0].caCertificate: Forbidden ~ cacert`},
	})
}

func TestPipelines(t *testing.T) {
	tasks := func(fields string) string { return rwx + "pipelines: {" + fields + "}\n" }
	run(t, []row{
		{"all fields", three,
			tasks("namespaces: [vm-pipelines, ci], tasksFile: kubevirt-tekton-tasks.yaml, tektonFile: tekton.yaml"),
			`pipelines.namespaces = ["vm-pipelines","ci"]`},
		{"nothing", two, tasks(""), `
			pipelines.namespaces: Required value
			pipelines.tasksFile: Required value`},
		{"a namespace of the cluster", two, tasks("namespaces: [openshift-cnv, kube-system], tasksFile: a"), `
			pipelines.namespaces[0]: Invalid value
			pipelines.namespaces[1]: Invalid value`},
		{"a namespace twice", two, tasks("namespaces: [a, a], tasksFile: a"), `pipelines.namespaces[1]: Duplicate value`},
		{"an empty namespace", two, tasks("namespaces: [''], tasksFile: a"), `pipelines.namespaces[0]: Required value`},
		{"a bad namespace", two, tasks("namespaces: [A], tasksFile: a"), `pipelines.namespaces[0]: Invalid value`},
		{"a directory", two, tasks("namespaces: [a], tasksFile: a/"), `pipelines.tasksFile: Invalid value`},
	})
}
