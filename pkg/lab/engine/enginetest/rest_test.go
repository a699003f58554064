package enginetest_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/okd-install/okd-install/pkg/lab/engine/enginetest"
)

// rest talks to an engine as curl would.
type rest struct {
	t    *testing.T
	e    *enginetest.Engine
	http *http.Client
}

func newRest(t *testing.T, e *enginetest.Engine) *rest {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(e.CA)
	return &rest{t, e, &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (r *rest) send(req *http.Request) answer {
	r.t.Helper()
	a, err := r.try(req)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

func (r *rest) try(req *http.Request) (answer, error) {
	resp, err := r.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

func (r *rest) request(method, path, body string) *http.Request {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.e.URL+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.SetBasicAuth(r.e.Username, r.e.Password.Reveal())
	req.Header.Set("Content-Type", "application/xml")
	return req
}

func (r *rest) do(method, path, body string) answer {
	r.t.Helper()
	return r.send(r.request(method, path, body))
}

// ok does a request that must succeed and returns the entity's ID.
func (r *rest) ok(method, path, body string) string {
	r.t.Helper()
	a := r.do(method, path, body)
	if a.status/100 != 2 {
		r.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	return a.attr("id")
}

// attr is an attribute of the root element.
func (a answer) attr(name string) string {
	dec := xml.NewDecoder(strings.NewReader(a.body))
	for {
		tok, err := dec.Token()
		if err != nil {
			return ""
		}
		if start, ok := tok.(xml.StartElement); ok {
			for _, at := range start.Attr {
				if at.Name.Local == name {
					return at.Value
				}
			}
			return ""
		}
	}
}

// text is the text of the first element of that name.
func (a answer) text(name string) string {
	_, rest, _ := strings.Cut(a.body, "<"+name+">")
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return text
}

func (r *rest) status(path string) string { return r.do("GET", path, "").text("status") }

func (r *rest) until(path, want string) {
	r.t.Helper()
	got := ""
	enginetest.Eventually(r.t, fmt.Sprintf("%s to be %s", path, want), func() bool {
		got = r.status(path)
		return got == want
	})
}

// disk makes a disk that is ready.
func (r *rest) disk(alias, format string, size int64) string {
	r.t.Helper()
	id := r.ok("POST", "/disks", fmt.Sprintf(
		`<disk><alias>%s</alias><format>%s</format><provisioned_size>%d</provisioned_size>`+
			`<storage_domains><storage_domain id="%s"/></storage_domains></disk>`, alias, format, size, r.e.StorageDomainID))
	r.until("/disks/"+id, "ok")
	return id
}

// vm makes a VM with a boot disk.
func (r *rest) vm(name, extra string) string {
	r.t.Helper()
	id := r.ok("POST", "/vms", fmt.Sprintf(
		`<vm><name>%s</name><cluster id="%s"/><template><name>Blank</name></template>%s</vm>`,
		name, r.e.ClusterID, extra))
	disk := r.disk(name+"-disk", "cow", 1<<30)
	r.ok("POST", "/vms/"+id+"/diskattachments", attach(disk))
	return id
}

func attach(disk string) string {
	return fmt.Sprintf(`<disk_attachment><disk id="%s"/><interface>virtio_scsi</interface>`+
		`<bootable>true</bootable><active>true</active></disk_attachment>`, disk)
}

const action = "<action/>"

func TestSignOn(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	login := func(user, password string) answer {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", e.BaseURL+"/ovirt-engine/sso/oauth/token",
			strings.NewReader(url.Values{
				"grant_type": {"password"}, "scope": {"ovirt-app-api"}, "username": {user}, "password": {password},
			}.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r.send(req)
	}
	a := login(e.Username, "wrong")
	if a.status != 400 || !strings.Contains(a.body, `"error_code":"access_denied"`) ||
		!strings.Contains(a.body, "Cannot authenticate user admin@internal") {
		t.Errorf("wrong password: %d %s", a.status, a.body)
	}
	a = login(e.Username, e.Password.Reveal())
	if a.status != 200 || !strings.Contains(a.body, `"token_type":"bearer"`) || !strings.Contains(a.body, `"exp":"`) {
		t.Fatalf("login: %d %s", a.status, a.body)
	}
	_, token, _ := strings.Cut(a.body, `"access_token":"`)
	token, _, _ = strings.Cut(token, `"`)
	with := func(token string) answer {
		req := r.request("GET", "/vms", "")
		req.Header.Set("Authorization", "Bearer "+token)
		return r.send(req)
	}
	if a := with(token); a.status != 200 || !strings.Contains(a.body, "<vms></vms>") {
		t.Errorf("with token: %d %s", a.status, a.body)
	}
	e.ExpireSessions()
	a = with(token)
	if a.status != 401 || !strings.Contains(a.header.Get("Content-Type"), "html") ||
		!strings.Contains(a.body, "invalid_grant: The provided authorization grant for the auth code has expired.") {
		t.Errorf("expired: %d %s %s", a.status, a.header, a.body)
	}
	req := r.request("GET", "", "")
	req.Header.Del("Authorization")
	if a := r.send(req); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("nobody: %d", a.status)
	}
	req, _ = http.NewRequestWithContext(t.Context(), "POST", e.BaseURL+"/ovirt-engine/services/sso-logout",
		strings.NewReader("scope=&token="))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a := r.send(req); a.status != 200 || strings.TrimSpace(a.body) != "{}" {
		t.Errorf("logout: %d %q", a.status, a.body)
	}
}

func TestPersistentSession(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	r.http.Jar, _ = cookiejar.New(nil)
	req := r.request("GET", "/vms", "")
	req.Header.Set("Prefer", "persistent-auth")
	if a := r.send(req); a.status != 200 {
		t.Fatal(a.status)
	}
	req = r.request("GET", "/vms", "")
	req.Header.Del("Authorization")
	if a := r.send(req); a.status != 200 {
		t.Errorf("with the session's cookie: %d", a.status)
	}
}

func TestEntryPoints(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	get := func(path string) answer {
		req := r.request("GET", "", "")
		req.URL, _ = url.Parse(e.BaseURL + path)
		return r.send(req)
	}
	a := get("/ovirt-engine/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA")
	if a.status != 200 || a.body != string(e.CA) {
		t.Errorf("CA: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/ovirt-engine/api", "/ovirt-engine/api/", "/ovirt-engine//api"} {
		if a := get(path); a.status != 200 || a.text("major") != "4" || a.text("minor") != "5" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := get("/ovirt-engine/api//vms"); a.status != 200 {
		t.Errorf("two slashes: %d", a.status)
	}
	if a := get("/ovirt-engine/api/nothing"); a.status != 404 || a.body != "" {
		t.Errorf("unknown path: %d %q", a.status, a.body)
	}
	req := r.request("GET", "", "")
	req.URL, _ = url.Parse(e.BaseURL + "/ovirt-engine/vms")
	if _, err := r.try(req); err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("without /api: %v", err)
	}
}

func TestReadersMayOnlyLookThroughTheFilter(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	for _, c := range []struct {
		method, path, filter string
		want                 int
	}{{"GET", "/vms", "true", 200}, {"GET", "/vms", "", 403}, {"POST", "/tags", "true", 403}} {
		req := r.request(c.method, c.path, "<tag><name>x</name></tag>")
		req.SetBasicAuth(enginetest.ReaderName, enginetest.ReaderPassword)
		req.Header.Set("Filter", c.filter)
		if a := r.send(req); a.status != c.want {
			t.Errorf("%s %s filter=%q: %d %s", c.method, c.path, c.filter, a.status, a.body)
		}
	}
}

// TestRefusals goes through what the engine refuses, by status and text.
func TestRefusals(t *testing.T) {
	e := enginetest.Start(t, enginetest.Hosts(1))
	r := newRest(t, e)
	down, up := r.vm("down", ""), r.vm("up", "")
	r.ok("POST", "/vms/"+down+"/nics", fmt.Sprintf(`<nic><name>nic1</name><mac><address>52:54:00:00:00:01</address>`+
		`</mac><vnic_profile id="%s"/></nic>`, e.VNICProfileID))
	bare := r.ok("POST", "/vms", fmt.Sprintf(
		`<vm><name>bare</name><cluster id="%s"/><template><name>Blank</name></template></vm>`, e.ClusterID))
	tpl := r.ok("POST", "/templates", fmt.Sprintf(`<template><name>tpl</name><vm id="%s"/></template>`, down))
	r.until("/templates/"+tpl, "ok")
	tplDisk := r.do("GET", "/templates/"+tpl+"/diskattachments", "").inner("disk_attachment")
	thin := r.ok("POST", "/vms", fmt.Sprintf(`<vm><name>thin</name><cluster id="%s"/><template id="%s"/></vm>`,
		e.ClusterID, tpl))
	r.until("/vms/"+thin, "down")
	r.ok("POST", "/vms/"+up+"/start", action)
	r.until("/vms/"+up, "up")
	upDisk := r.do("GET", "/vms/"+up+"/diskattachments", "").inner("disk_attachment")
	downDisk := r.do("GET", "/vms/"+down+"/diskattachments", "").inner("disk_attachment")
	r.ok("POST", "/tags", "<tag><name>taken</name></tag>")
	free := r.disk("free", "raw", 1<<20)
	group := r.ok("POST", "/clusters/"+e.ClusterID+"/affinitygroups",
		fmt.Sprintf(`<affinity_group><name>apart</name><vms_rule><enabled>true</enabled>`+
			`<enforcing>true</enforcing><positive>false</positive></vms_rule>`+
			`<vms><vm id="%s"/><vm id="%s"/></vms></affinity_group>`, up, down))
	newVM := func(name, extra string) string {
		return fmt.Sprintf(`<vm><name>%s</name><cluster id="%s"/><template><name>Blank</name></template>%s</vm>`, name,
			e.ClusterID, extra)
	}
	newDisk := func(format, rest string, size int64) string {
		return fmt.Sprintf(`<disk><format>%s</format><provisioned_size>%d</provisioned_size>%s`+
			`<storage_domains><storage_domain id="%s"/></storage_domains></disk>`,
			format, size, rest, e.StorageDomainID)
	}
	nic := func(name, mac string) string {
		return fmt.Sprintf(`<nic><name>%s</name><mac><address>%s</address></mac><vnic_profile id="%s"/></nic>`, name, mac,
			e.VNICProfileID)
	}
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		text                     string
	}{
		{"name of a VM in use", "POST", "/vms", newVM("down", ""), 409, "name is already in use"},
		{"VM name too long", "POST", "/vms", newVM(strings.Repeat("x", 65), ""), 400, "64"},
		{"VM name with a blank", "POST", "/vms", newVM("a b", ""), 400, "special characters"},
		{"no such template", "POST", "/vms",
			fmt.Sprintf(`<vm><name>x</name><cluster id="%s"/><template id="nope"/></vm>`, e.ClusterID), 400, "Template"},
		{"no such cluster", "POST", "/vms",
			`<vm><name>x</name><cluster id="nope"/><template><name>Blank</name></template></vm>`, 400, "Cluster"},
		{"more guaranteed than there is", "POST", "/vms",
			newVM("x", `<memory>1048576</memory><memory_policy><guaranteed>2097152</guaranteed></memory_policy>`), 400,
			"Physical Memory Guaranteed cannot exceed Memory Size"},
		{"no name", "POST", "/vms", "<vm/>", 400, "required for add"},
		{"no document", "POST", "/vms", "", 400, "Incomplete"},
		{"broken document", "POST", "/vms", "<vm>", 400, "syntactically"},
		{"no number", "POST", "/vms", newVM("x", "<memory>much</memory>"), 400, "syntactically"},
		{"start without disk", "POST", "/vms/" + bare + "/start", action, 409,
			"Cannot run VM without at least one bootable disk."},
		{"start twice", "POST", "/vms/" + up + "/start", action, 409, "VM is running"},
		{"no host left by affinity", "POST", "/vms/" + down + "/start", action, 409, "no host that satisfies"},
		{"shutdown when down", "POST", "/vms/" + down + "/shutdown", action, 409, "not running"},
		{"remove when up", "DELETE", "/vms/" + up, "", 409, "VM is running"},
		{"disk of a running VM", "DELETE", "/disks/" + upDisk, "", 409, "not down"},
		{"disk of a template", "DELETE", "/disks/" + tplDisk, "", 409, "Template"},
		{"template in use", "DELETE", "/templates/" + tpl, "", 409, "being used by the following VMs: thin"},
		{"blank template", "DELETE", "/templates/00000000-0000-0000-0000-000000000000", "", 409, "Blank"},
		{"detach thin disks", "DELETE", "/vms/" + thin + "?detach_only=true", "", 409, "based on a Template"},
		{"disk on a second VM", "POST", "/vms/" + bare + "/diskattachments", attach(downDisk), 409, "already attached"},
		{"second boot disk", "POST", "/vms/" + down + "/diskattachments", attach(free), 409, "already marked as boot"},
		{"hot plug of an IDE disk", "POST", "/vms/" + up + "/diskattachments",
			`<disk_attachment><disk id="` + free + `"/><interface>ide</interface><active>true</active></disk_attachment>`,
			409, "not supported for interface ide"},
		{"hot unplug and delete", "DELETE", "/vms/" + up + "/diskattachments/" + upDisk + "?detach_only=false", "", 409,
			"VM is running"},
		{"no such disk", "POST", "/vms/" + bare + "/diskattachments", attach("nope"), 400, "does not exist"},
		{"name of a card in use", "POST", "/vms/" + down + "/nics", nic("nic1", "52:54:00:00:00:02"), 409, "already in use"},
		{"MAC in use", "POST", "/vms/" + bare + "/nics", nic("nic1", "52:54:00:00:00:01"), 409, "already in use"},
		{"no MAC", "POST", "/vms/" + bare + "/nics", nic("nic1", "invalid mac address"), 400, "not valid"},
		{"small disk", "POST", "/disks", newDisk("raw", "", 1000), 400, "1 MB"},
		{"cow without sparse", "POST", "/disks", newDisk("cow", "<sparse>false</sparse>", 1<<20), 400,
			"is incompatible with the storage domain type"},
		{"more than there is", "POST", "/disks", newDisk("raw", "", 1<<41), 409, "Low disk space on Storage Domain data1"},
		{"shrink a disk", "PUT", "/disks/" + free, "<disk><provisioned_size>1</provisioned_size></disk>", 409, "smaller"},
		{"tag in use", "POST", "/tags", "<tag><name>taken</name></tag>", 409, "already exists"},
		{"unknown tag on a VM", "POST", "/vms/" + bare + "/tags", "<tag><name>nope</name></tag>", 404, ""},
		{"group in use", "POST", "/clusters/" + e.ClusterID + "/affinitygroups",
			"<affinity_group><name>apart</name></affinity_group>", 409, "already exists"},
		{"VM twice in a group", "POST", "/clusters/" + e.ClusterID + "/affinitygroups/" + group + "/vms",
			`<vm id="` + up + `"/>`, 409, "already in"},
		{"no such VM", "GET", "/vms/nope", "", 404, ""},
		{"search that makes no sense", "GET", "/vms?search=name%3D", "", 400, "search"},
		{"unknown search field", "GET", "/vms?search=colour%3Dred", "", 400, "colour"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := r.do(c.method, c.path, c.body)
			if a.status != c.status || !strings.Contains(a.body, c.text) || c.status == 404 && a.body != "" {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if c.text != "" && !(strings.Contains(a.body, "<fault>") && strings.Contains(a.body, "<reason>")) {
				t.Errorf("no fault document: %s", a.body)
			}
		})
	}
}

// inner is the ID of the first element of that name.
func (a answer) inner(name string) string {
	_, rest, _ := strings.Cut(a.body, "<"+name+" ")
	return answer{body: "<x " + rest}.attr("id")
}

func TestFollowAndSearch(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	vm := r.vm("one", "")
	r.ok("POST", "/tags", "<tag><name>demo</name></tag>")
	r.ok("POST", "/vms/"+vm+"/tags", "<tag><name>demo</name></tag>")
	r.vm("two", "")
	for query, want := range map[string]int{
		"name=one": 1, `tag = "demo"`: 1, `tag = "demo" AND (status = up OR status = down)`: 1,
		`tag = "demo" AND status = up`: 0,
		"name=*o*":                     2, "cluster=Default": 2, "cluster.name=Other": 0, "status=down sortby name desc": 2,
	} {
		a := r.do("GET", "/vms?search="+url.QueryEscape(query), "")
		if n := strings.Count(a.body, "<vm "); n != want {
			t.Errorf("%s: %d VMs, want %d", query, n, want)
		}
	}
	cluster := r.do("GET", "/clusters/"+e.ClusterID+"?follow=networks", "")
	if !strings.Contains(cluster.body, "<name>ovirtmgmt</name>") {
		t.Errorf("cluster without networks: %s", cluster.body)
	}
	a := r.do("GET", "/vms/"+vm+"?follow=tags,disk_attachments.disk", "")
	if !strings.Contains(a.body, "<name>demo</name>") || !strings.Contains(a.body, "<alias>one-disk</alias>") {
		t.Errorf("VM without tags and disks: %s", a.body)
	}
	if a := r.do("GET", "/vms?max=1", ""); strings.Count(a.body, "<vm ") != 1 {
		t.Error("max was ignored")
	}
}

func TestJobsFollowCommands(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	r.ok("POST", "/disks?correlation_id=abc",
		fmt.Sprintf(`<disk><alias>d</alias><format>cow</format><provisioned_size>1048576</provisioned_size>`+
			`<storage_domains><storage_domain id="%s"/></storage_domains></disk>`, e.StorageDomainID))
	if s := r.status("/jobs?search=correlation_id%3Dabc"); s != "started" && s != "finished" {
		t.Errorf("job is %q right after the request", s)
	}
	r.until("/jobs?search=correlation_id%3Dabc", "finished")
	if a := r.do("GET", "/jobs?search=correlation_id%3Dother", ""); a.status != 200 || strings.Contains(a.body, "<job ") {
		t.Errorf("jobs of nobody: %s", a.body)
	}
}

func TestStorageGetsLess(t *testing.T) {
	e := enginetest.Start(t)
	r := newRest(t, e)
	available := func() string { return r.do("GET", "/storagedomains/"+e.StorageDomainID, "").text("available") }
	before := available()
	id := r.disk("big", "raw", 1<<30)
	if available() == before {
		t.Error("a preallocated disk took nothing")
	}
	r.ok("DELETE", "/disks/"+id, "")
	enginetest.Eventually(t, "the disk to be gone", func() bool { return r.do("GET", "/disks/"+id, "").status == 404 })
	if available() != before {
		t.Errorf("available is %s, was %s", available(), before)
	}
}

func bytesOf(n int) []byte { return bytes.Repeat([]byte("abcdefgh"), n/8) }
