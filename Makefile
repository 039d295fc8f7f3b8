# Everything a contributor types. `make help` lists it.
SHELL := /usr/bin/env bash -o pipefail -e
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X metallb.io/metallb/internal/version.Version=$(VERSION)
GO_TOOL := go tool -modfile=go.tools.mod
# It does not build with the YAML library of the other tools.
ACTIONLINT := go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
# Programs of the test clusters, built once from their Go modules; with K8S_VERSION=v1.31.14 those of another version of Kubernetes.
export K8S_VERSION ?=
export K8S_BIN ?= $(HOME)/.cache/k8s-from-modules$(addprefix /,$(K8S_VERSION))
OUT := out

##@ Development

.PHONY: generate
generate: ## Generate the API types' deep-copy functions.
	$(GO_TOOL) controller-gen object paths=./api/...

.PHONY: manifests
manifests: ## Generate the CRDs and the RBAC roles into config/, and what the chart and the one-file manifest have of it.
	$(GO_TOOL) controller-gen crd paths=./api/... output:crd:artifacts:config=config/crd/bases
	$(GO_TOOL) controller-gen rbac:roleName=metallb-controller,fileName=controller_role.yaml paths=./controllers/... output:rbac:artifacts:config=config/rbac
	$(GO_TOOL) controller-gen rbac:roleName=metallb-speaker,fileName=speaker_role.yaml paths=./speaker/... output:rbac:artifacts:config=config/rbac
	$(MAKE) --no-print-directory chart

.PHONY: chart
chart: ## Generate the chart's copies of config/, its README, and config/manifests/metallb.yaml.
	@go run ./test/cluster/cmd/cluster build kubectl
	go run ./test/chart/cmd/chart

.PHONY: reference
reference: ## Generate docs/api-reference.md from the API types, and docs/kubectl-metallb.md from the plugin's commands.
	$(GO_TOOL) crd-ref-docs --log-level ERROR --config docs/reference/config.yaml --source-path api --renderer markdown --templates-dir docs/reference/templates --output-path docs/api-reference.md
	go run ./test/reference/cmd/reference > docs/kubectl-metallb.md

.PHONY: fmt
fmt: ## Format the code.
	$(GO_TOOL) golangci-lint fmt

.PHONY: lint
lint: ## Run the linters.
	$(GO_TOOL) golangci-lint run --allow-serial-runners
	GOOS=darwin go vet -tags e2e ./... # what needs Linux is in files that say so
	GOOS=windows go vet ./plugin/...
	$(ACTIONLINT)
	@if command -v shellcheck > /dev/null; then (set -x; shellcheck .ci/*); else echo "without shellcheck, scripts are not checked"; fi

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities in what the programs use (needs https://vuln.go.dev).
	$(GO_TOOL) govulncheck ./controllers ./speaker ./plugin

.PHONY: verify
verify: generate manifests reference lint ## Check style, and that everything generated, go.mod and formatting are up to date.
	$(GO_TOOL) golangci-lint fmt --diff
	go mod tidy -diff
	@git diff --exit-code -- api config charts docs/api-reference.md docs/kubectl-metallb.md go.mod go.sum || { echo "error: generated files are out of date: commit what 'make generate manifests reference' wrote" >&2; exit 1; }
	@test -z "$$(git status --porcelain -- api config charts docs/api-reference.md docs/kubectl-metallb.md)" || { git status --short -- api config charts docs/api-reference.md docs/kubectl-metallb.md; echo "error: generated files are not committed" >&2; exit 1; }

##@ Tests

# The packages to test: PKG=./speaker/... or PKG=./controllers/allocator.
PKG ?= ./...
TEST_FLAGS ?=

.PHONY: test
test: test-programs ## Run every test but e2e, or those of the packages PKG=…: unit, integration (a real API server), BGP against BIRD and FRR. RACE=1: with the race detector.
	.ci/test '$(PKG)' $(TEST_FLAGS)

.PHONY: conformance
conformance: ## Generate docs/conformance.md, the table of what BIRD and FRR do with what is announced, by running those tests (root).
	@rm -f out/conformance && mkdir -p out
	CONFORMANCE_FILE=$(CURDIR)/out/conformance go test -vet=off -count=1 ./speaker/...
	go run ./test/conformance/cmd/conformance -seen out/conformance

.PHONY: test-programs
test-programs:
	@go run ./test/cluster/cmd/cluster build etcd kube-apiserver kubectl helm

# What is built first does not count against the tests' own time.
.PHONY: e2e
e2e: ## Run the tutorial and the end-to-end tests on a real cluster (root), of K8S_VERSION=v1.… if that is given.
	@go run ./test/cluster/cmd/cluster build
	$(IMAGE) all --local --out $(OUT)/e2e
	CGO_ENABLED=0 go test -trimpath -vet=off -tags e2e -p 1 -count 1 -timeout 30m -v $(TEST_FLAGS) ./test/cluster ./test/e2e

.PHONY: bench
bench: test-programs ## Measure allocation and announcement at 500, 2,000 and 8,000 services, beside a floor, and routes to several peers; put the table into docs/performance.md.
	go run ./test/bench --page docs/performance.md

.PHONY: bench-leaving
bench-leaving: ## Measure on a real cluster (root) what is lost when a speaker, a node, a link or a router leaves, into out/leaving.md.
	@go run ./test/cluster/cmd/cluster build
	@mkdir -p $(OUT) && rm -f $(OUT)/leaving.md
	CGO_ENABLED=0 go test -trimpath -vet=off -tags e2e -count 1 -timeout 60m -v $(TEST_FLAGS) -run TestWhatIsLost ./test/e2e -lost.table=$(CURDIR)/$(OUT)/leaving.md

# Inputs that are new are not minimized: where a package has much in it, that would take most of the minute.
.PHONY: fuzz
fuzz: ## Fuzz each parser, and the judgement of changes, for a minute.
	@for p in $$(grep -rl '^func Fuzz' --include='*_test.go' api controllers plugin speaker | xargs -n 1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$p/*_test.go | cut -d' ' -f2); do \
	    go test -run '^$$' -fuzz "^$$f$$" -fuzztime 60s -fuzzminimizetime 0x ./$$p; done; done

##@ Build

.PHONY: build
build: ## Build the binaries into bin/.
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o bin/controller ./controllers
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o bin/speaker ./speaker
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o bin/kubectl-metallb ./plugin
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o bin/router ./test/router

# What the names of images begin with (localhost/metallb- if it is not set), and their tag. What is pushed is named by its revision, so that nodes pull it.
IMAGE_PREFIX ?=
IMAGE_TAG ?= $(if $(PUSH),$(VERSION),dev)
IMAGE = go run ./test/image/cmd/image

.PHONY: images
images: ## Build the images of controller (with the plugin) and speaker into out/images, without a container engine (PLATFORMS=linux/amd64,linux/arm64 or all, IMAGE_PREFIX=…, PUSH=1).
	$(IMAGE) controller speaker --out $(OUT)/images $(if $(IMAGE_PREFIX),--prefix $(IMAGE_PREFIX)) --tag $(IMAGE_TAG) --version $(VERSION) $(if $(PLATFORMS),--platforms $(PLATFORMS)) $(if $(PUSH),--push)

.PHONY: test-images
test-images: ## Build the images of the test routers and of what stands in for the tutorial's nginx into out/images (needs BIRD and FRR).
	$(IMAGE) router nginx --out $(OUT)/images

.PHONY: release
release: ## Build all files of a release into out/release (VERSION=v1.2.3, IMAGE_PREFIX=…, REPOSITORY=https://…, SIGNING_KEY=key.pem).
	@go run ./test/cluster/cmd/cluster build helm
	go run ./test/release/cmd/release --version $(VERSION) --out $(OUT)/release $(if $(IMAGE_PREFIX),--image-prefix $(IMAGE_PREFIX)) $(if $(REPOSITORY),--repository $(REPOSITORY)) $(if $(SIGNING_KEY),--signing-key $(SIGNING_KEY))

##@ See it work

INSTALL ?= kustomize

.PHONY: playground
playground: ## Start a three-node cluster with the load balancer (INSTALL=kustomize or helm), routers and a client (root).
	go run ./test/playground/cmd/playground up --install $(INSTALL)

.PHONY: playground-reload
playground-reload: ## Build controller, speaker and plugin, and restart the first two in the playground with what was built.
	go run ./test/playground/cmd/playground reload

.PHONY: playground-down
playground-down: ## Remove the playground.
	go run ./test/playground/cmd/playground down

##@ Install on the cluster of the current kubectl context

.PHONY: install
install: ## Install the CRDs.
	kubectl apply -k config/crd

.PHONY: uninstall
uninstall: ## Remove the CRDs, and with them every configuration object.
	kubectl delete --ignore-not-found -k config/crd

.PHONY: deploy
deploy: ## Install everything: CRDs, RBAC, controller and speaker.
	kubectl apply -k config/default

.PHONY: undeploy
undeploy: ## Remove everything.
	kubectl delete --ignore-not-found -k config/default

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-zA-Z0-9_-]+:.*##/ {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
