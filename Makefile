# What is built outside of Go, and the tools' versions, are in .ci/parts.

.DEFAULT_GOAL := help
.PHONY: help build image release test lint fmt bench demo parts e2e e2e-more fuzz update clean
SHELL := /bin/bash -o pipefail

# Where `make parts` puts programs, outside of the tree; tests look there too.
export PINSETTER_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pinsetter
BIN := $(PINSETTER_CACHE)/bin

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PACKAGES ?= ./...
RUN      ?= .
BENCH    ?= .
FUZZTIME ?= 10s

# telling runs tests, and says at the end which were skipped and why.
telling = @export PINSETTER_SKIPPED=$$(mktemp); echo "$(1)"; $(1); status=$$?; \
	[ ! -s "$$PINSETTER_SKIPPED" ] || { echo "skipped tests, and why:"; sort "$$PINSETTER_SKIPPED" | uniq -c; }; \
	rm -f "$$PINSETTER_SKIPPED"; exit $$status

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "%-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/pinsetter
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.release=$(VERSION)' -o bin/pinsetter ./cmd/pinsetter

image: ## build the container image as an OCI layout: dist/image
	go run ./cmd/release image

release: ## build all that a release has: archives, checksums, SBOMs, chart and image, in dist
	go run ./cmd/release $(if $(filter command line environment,$(origin VERSION)),-version '$(VERSION)') all

test: ## run all tests; those whose external program is missing skip and say so
	$(call telling,go test -timeout 30m -run '$(RUN)' $(PACKAGES))

lint: ## gofmt, go vet and golangci-lint (with staticcheck)
	@unformatted=$$(git ls-files -z -- '*.go' | xargs -0 gofmt -l) && \
		{ [ -z "$$unformatted" ] || { echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; }; }
	go vet $(PACKAGES)
	@[ -x $(BIN)/golangci-lint ] || { echo "golangci-lint is missing: run make parts"; exit 1; }
	$(BIN)/golangci-lint run --build-tags e2e,e2emore $(PACKAGES)

fmt: ## format the code
	git ls-files -z -- '*.go' | xargs -0 gofmt -w

bench: ## measure what things cost, all or what BENCH matches, and rewrite docs/performance.md
	go run ./cmd/bench -bench '$(BENCH)'

demo: ## a registry, a Git server and a fleet on this machine, and the bot at work; KEEP=1 leaves them up
	@dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && trap : INT && \
		go build -o "$$dir/demo" ./cmd/demo && "$$dir/demo" $(if $(KEEP),-keep)

parts: ## build and install the external programs that tests run against
	.ci/parts

e2e: ## run all tests, the long ones (build tag e2e) too, under the race detector
	$(call telling,CGO_ENABLED=1 go test -race -tags e2e -timeout 30m -run '$(RUN)' $(PACKAGES))

e2e-more: ## run what needs long builds (build tag e2emore): helm, kubeconform, actionlint, a Kubernetes API, systemd, cosign, Sigstore's servers, notation, oras, crane, Flux
	.ci/parts more
	PATH="$(BIN):$$PATH" go test -tags e2emore -timeout 30m -run '$(RUN)' ./artifact ./charts ./deliver ./deploy ./cmd/release ./login/cloud ./spec ./verify

fuzz: ## run every fuzz target for FUZZTIME
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r -n 1 dirname | sort -u | while read -r dir; do \
		for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go | cut -d' ' -f2); do \
			echo "$$dir $$target"; \
			go test "$$dir" -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) || exit 1; \
		done; \
	done

update: ## rewrite the golden files
	@grep -rlE --include='*_test.go' 'flag\.Bool\("update"' . | xargs -r -n 1 dirname | sort -u | while read -r dir; do \
		go test "$$dir" -update || exit 1; \
	done
	UPDATE_REFERENCE=1 go test -run '^Test(Reference|FluxSchemas)$$' ./cmd/pinsetter

clean: ## remove what make built in the tree
	rm -rf bin dist coverage.out
