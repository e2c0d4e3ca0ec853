# make help lists what there is.

GO      ?= go
VERSION ?= $(patsubst v%,%,$(strip $(shell git describe --tags --dirty 2>/dev/null)))
TOOLS   := $(CURDIR)/.cache/bin

GOFUMPT_VERSION     := v0.12.0
STATICCHECK_VERSION := v0.8.2
NFPM_VERSION        := v2.45.0

LABTESTS := ./pkg/netlab/labtest/... ./pkg/netlab/demo
LABTEST  := HOLDFAST_LAB=require HOLDFAST_BIN=$(CURDIR)/bin/holdfast $(GO) test -count=1 -timeout 15m
LDFLAGS  := -s -w $(if $(strip $(VERSION)),-X github.com/holdfast-lb/holdfast/pkg/daemon.Version=$(VERSION))

.PHONY: build
build: ## bin/holdfast, static
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/holdfast ./cmd/holdfast

.PHONY: test
test: setup lint unit lab ## everything: what continuous integration runs (root)

.PHONY: check
check: lint ## all that needs no privilege: lint and unit tests; the lab's are skipped
	$(GO) test -race ./...

.PHONY: setup
setup: ## Debian packages for the lab
	@.ci/setup

.PHONY: lint
lint: $(TOOLS)/staticcheck-$(STATICCHECK_VERSION) $(TOOLS)/gofumpt-$(GOFUMPT_VERSION) ## formatting, vet, staticcheck, who may import whom
	@files=$$($(TOOLS)/gofumpt-$(GOFUMPT_VERSION) -l .); test -z "$$files" || { echo "not formatted (make fmt):"; echo "$$files"; exit 1; }
	$(GO) vet ./...
	$(TOOLS)/staticcheck-$(STATICCHECK_VERSION) ./...
	$(GO) test -count=1 .

.PHONY: docs
docs: ## write docs/reference, docs/compatibility.md, the man page and the schema anew
	$(GO) test ./pkg/config ./pkg/config/syntax ./pkg/config/lint ./pkg/config/convert -run 'Messages|Check|Compare' -update
	$(GO) test ./pkg/config/reference ./cmd/holdfast -run "Current|Manual" -update

.PHONY: fmt
fmt: $(TOOLS)/gofumpt-$(GOFUMPT_VERSION) ## format all files
	$(TOOLS)/gofumpt-$(GOFUMPT_VERSION) -w .

.PHONY: unit
unit: ## all tests but the scenarios of the lab, with the race detector
	@# Compiled side by side, but run one after the other: many have real networks and clocks.
	@$(GO) test -race -exec true ./... >/dev/null
	HOLDFAST_LAB=require $(GO) test -race -p 1 -timeout 10m $$($(GO) list ./... | grep -v -e /pkg/netlab/labtest -e /pkg/netlab/demo)
	$(GO) test -v -run TestSchedules ./vrrp/sim # ten times as many schedules as with the race detector

.PHONY: lab
lab: build ## whole daemons on small networks and a real kernel, also beside keepalived (root)
	@# In two halves side by side, as a guest has one processor.
	@$(LABTEST) -run TestDifferential ./pkg/netlab/labtest/ipvs & half=$$!; \
	$(LABTEST) -skip TestDifferential ./pkg/netlab/labtest/ipvs & other=$$!; \
	wait $$half; failed=$$?; \
	$(LABTEST) -p 1 ./pkg/netlab/labtest/cli ./pkg/netlab/labtest/vrrp ./pkg/netlab/demo || failed=1; \
	wait $$other && exit $$failed

.PHONY: demo
demo: setup build ## two directors, three servers, one client, in under a minute (root)
	@HOLDFAST_BIN=$(CURDIR)/bin/holdfast $(GO) run ./pkg/netlab/demo

.PHONY: bench
bench: setup build ## holdfast beside keepalived, as ratios (root)
	@HOLDFAST_BIN=$(CURDIR)/bin/holdfast $(GO) run ./pkg/netlab/bench

.PHONY: fuzz
FUZZTIME ?= 10m
fuzz: ## every fuzz target, FUZZTIME each
	@for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg 2>/dev/null | grep '^Fuzz'); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

.PHONY: corpus
corpus: ## verdicts and values of the configurations in CORPUS beside keepalived's
	HOLDFAST_CORPUS=$(abspath $(CORPUS)) $(GO) test -count=1 -v -run 'TestCorpus|TestRoundTrip' ./pkg/config ./pkg/config/convert

.PHONY: soak
SOAK ?= 10
soak: build ## the lab's tests SOAK times over, accidents of three routers, ten thousand random stories of a router and sessions with each kind of hostile server (root)
	STORY_SEEDS=10000 $(GO) test -count=1 -timeout 1h -run TestStories ./pkg/router
	HOLDFAST_SESSIONS=10000 $(GO) test -count=1 -timeout 1h -run SessionsWithHostileServers ./healthcheck/probe
	ACCIDENTS_SEED=$$(date +%s) ACCIDENTS=100 $(LABTEST) -v -run TestAccidents ./pkg/netlab/labtest/vrrp
	HOLDFAST_LAB=require HOLDFAST_BIN=$(CURDIR)/bin/holdfast $(GO) test -count=$(SOAK) -p 1 -timeout 24h $(LABTESTS)

.PHONY: package
package: build ## .deb and .rpm in dist/
	mkdir -p dist/completion
	for shell in bash fish; do bin/holdfast completion $$shell >dist/completion/holdfast.$$shell || exit 1; done
	for kind in deb rpm; do \
		GOARCH=$$($(GO) env GOARCH) VERSION=$$(bin/holdfast --version 2>&1 | sed -n 's/.*(holdfast \(.*\))/\1/p') $(GO) run github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM_VERSION) package -f packaging/nfpm.yaml -p $$kind -t dist/ || exit 1; \
	done

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

$(TOOLS)/staticcheck-$(STATICCHECK_VERSION):
	GOBIN=$(TOOLS) $(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	mv $(TOOLS)/staticcheck $@

$(TOOLS)/gofumpt-$(GOFUMPT_VERSION):
	GOBIN=$(TOOLS) $(GO) install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)
	mv $(TOOLS)/gofumpt $@
