# okd-install. `make demo` and `make test` are all that a new user needs.
SHELL := /bin/bash
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w \
	-X github.com/okd-install/okd-install/pkg/version.Version=$(VERSION) \
	-X github.com/okd-install/okd-install/pkg/version.Commit=$(COMMIT)
export CGO_ENABLED := 0

.PHONY: all build demo demo-down test test-unit test-full lint golden docs man clean

all: build

build: ## both binaries, in bin/
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/okd-install ./cmd/okd-install
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/okd-lab ./cmd/okd-lab

demo: ## a cluster with a VM from nothing, in the lab, left running; WAY=agent or WAY=metal for other ways, VIRT=off without the VM
	hack/demo.sh up $(WAY)

demo-down: ## remove everything that demo made
	hack/demo.sh down

lint: ## gofmt, vet, golangci-lint, shellcheck
	hack/lint.sh

test-unit: ## the inner loop, under a minute; make test goes deeper
	hack/packages.sh
	go test -short -p 4 ./pkg/... ./cmd/... ./data/... ./tests/...

test: ## what CI runs: lint, unit, contract, integration, an installation per way
	hack/test.sh ci

test-full: ## everything, with every fault; writes docs/test-report.md
	hack/test.sh full

golden: ## accept what is rendered as the new golden files
	git grep -lE 'testkit/golden"|wizardtest"' -- 'pkg/*_test.go' | xargs -n1 dirname | sort -u | sed 's,^,./,' | xargs -I DIR go test DIR -update

docs: ## make the reference pages and the JSON Schema from the code
	go test ./pkg/explain ./cmd/okd-install -run 'IsCurrent' -update
	go test ./pkg/explain -run TestPrint -update

man: build ## manual pages, in bin/man1
	bin/okd-install man --output-dir bin/man1

clean:
	rm -rf bin _demo _test
