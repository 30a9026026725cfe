# What a developer and CI run. Every target works in a fresh clone.
RACE     ?=
LINT      = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
MODULES   = . internal/bench
PACKAGES  = ./...

.PHONY: test check bench e2e deps lint fuzz

# All tests of all modules: pure Go, nothing to install.
test:
	@for m in $(MODULES); do echo "== test $$m"; (cd $$m && go test $(RACE) -timeout 25m $(PACKAGES)) || exit 1; done

# Formatting, vet, linters, the list of dependencies, and each module by itself.
check: lint
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	@for m in $(MODULES); do echo "== vet $$m"; (cd $$m && go vet ./... && GOWORK=off go build ./... && GOWORK=off go mod verify >/dev/null) || exit 1; done
	@GOOS=wasip1 GOARCH=wasm go vet ./modelspec ./port ./adapter ./federation ./wasm/guest
	@sh internal/layering/deps.sh | diff -u internal/layering/deps.txt - || { echo "the dependencies changed: run make deps, and read what is new"; exit 1; }

lint:
	$(LINT) run ./...

deps:
	@sh internal/layering/deps.sh > internal/layering/deps.txt

# The table of speeds: ours beside a baseline of the same run.
bench:
	@cd internal/bench && go run . $(BENCHFLAGS)

# What needs child processes, a module outside the repository, or time.
e2e:
	go test $(RACE) -tags e2e -timeout 15m ./internal/e2e/...

fuzz:
	@sh internal/layering/fuzz.sh
