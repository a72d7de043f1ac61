# Plain verbs; .ci/run does all of them that must hold before landing.

.PHONY: build test race lint bench fuzz cross demo clean test-xen profile

# Of a processor of the last ten years all instructions are used, which saves a twentieth of its time.
# GOAMD64=v1 makes a program for older ones too; on those, one for v3 says so and does not start.
GOAMD64 ?= v3
build:
	GOAMD64=$(GOAMD64) CGO_ENABLED=0 go build -trimpath -o dist/ctxpipe ./cmd/ctxpipe

test:
	go test ./...

race:
	GORACE=atexit_sleep_ms=10 go test -race ./...

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	go tool staticcheck ./...

bench:
	go test -run '^$$' -bench . ./...

# What the compiler is told about where the command spends its time, go.dev/doc/pgo. With
# CTXPIPE_STREAMS=DIR it is learned from real streams too.
profile:
	go test -trimpath -o /dev/null -run '^$$' -bench '^BenchmarkStream(Compress|Restore|Verify)$$' -cpuprofile cmd/ctxpipe/default.pgo ./bench

# Each fuzz target for FUZZTIME: a duration, or a count like 10000x.
FUZZTIME ?= 30s
fuzz:
	.ci/fuzz $(FUZZTIME)

cross:
	.ci/cross

# Real guests on a real Xen in QEMU, all scenarios or some: test/xen/README.md.
SCENARIOS ?=
test-xen:
	test/xen/run $(SCENARIOS)

demo:
	go run ./cmd/ctxpipe demo

clean:
	rm -rf dist
