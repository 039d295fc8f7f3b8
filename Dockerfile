# syntax=docker/dockerfile:1
# Images of the controller, the speaker and the test router:
#
#   docker build --target controller --build-arg VERSION=v0.1.0 --tag localhost/metallb-controller:dev .
#
# Without a container engine, `make images` makes the same ones.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=dev
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    mkdir /out && \
    for program in controller:./controllers speaker:./speaker router:./test/router; do \
      go build -trimpath -ldflags "-s -w -X metallb.io/metallb/api/version.Version=${VERSION}" \
        -o "/out/${program%%:*}" "${program#*:}" || exit 1; \
    done

# BIRD and FRR with the page that shows what they think, for trials and tests.
FROM debian:bookworm-slim AS router
RUN apt-get update && \
    apt-get install --yes --no-install-recommends bird2 frr && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /out/router /router
ENTRYPOINT ["/router"]

FROM gcr.io/distroless/static-debian12:nonroot AS controller
COPY --from=build /out/controller /controller
USER 65532:65532
ENTRYPOINT ["/controller"]

# The speaker's sessions start from an ordinary port and it changes nothing on the node: it needs no privilege, either.
FROM gcr.io/distroless/static-debian12:nonroot AS speaker
COPY --from=build /out/speaker /speaker
USER 65532:65532
ENTRYPOINT ["/speaker"]
