# syntax=docker/dockerfile:1
# Images of the controller, the speaker and the test router:
#
#   docker build --target controller --build-arg VERSION=v0.1.0 --build-arg REVISION=$(git rev-parse HEAD) --tag localhost/metallb-controller:dev .
#   docker buildx build --platform linux/amd64,linux/arm64,linux/arm/v7,linux/ppc64le,linux/s390x …
#
# Without a container engine, `make images` makes the same ones, with `PLATFORMS=all` those of all platforms: a test holds the
# two to each other. Programs are compiled on the machine that builds, for whatever platform.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG TARGETOS TARGETARCH TARGETVARIANT VERSION=dev REVISION=unknown
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    mkdir /out && \
    if [ "$TARGETARCH" = arm ]; then export GOARM="${TARGETVARIANT#v}"; fi && \
    for program in controller:./controllers kubectl-metallb:./plugin speaker:./speaker router:./test/router; do \
      go build -trimpath -buildvcs=false \
        -ldflags "-s -w -X metallb.io/metallb/internal/version.Version=${VERSION} -X metallb.io/metallb/internal/version.revision=${REVISION}" \
        -o "/out/${program%%:*}" "${program#*:}" || exit 1; \
    done

# BIRD and FRR with the page that shows what they think, for trials and tests.
FROM debian:bookworm-slim AS router
RUN apt-get update && \
    apt-get install --yes --no-install-recommends bird2 frr && \
    rm -rf /var/lib/apt/lists/*
ARG VERSION=dev REVISION=unknown
LABEL org.opencontainers.image.title="metallb-router" \
      org.opencontainers.image.description="BIRD and FRR with a page that shows what they think, for trials and tests" \
      org.opencontainers.image.source="https://metallb.io/metallb" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/router /router
ENTRYPOINT ["/router"]

FROM gcr.io/distroless/static-debian12:nonroot AS controller
ARG VERSION=dev REVISION=unknown
LABEL org.opencontainers.image.title="metallb-controller" \
      org.opencontainers.image.description="Gives Services of type LoadBalancer addresses" \
      org.opencontainers.image.source="https://metallb.io/metallb" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/controller /controller
# For pipelines that have no kubectl: --entrypoint /kubectl-metallb IMAGE validate -f -
COPY --from=build /out/kubectl-metallb /kubectl-metallb
USER 65532:65532
ENTRYPOINT ["/controller"]

# The speaker's sessions start from an ordinary port and it changes nothing on the node: it needs no privilege, either.
FROM gcr.io/distroless/static-debian12:nonroot AS speaker
ARG VERSION=dev REVISION=unknown
LABEL org.opencontainers.image.title="metallb-speaker" \
      org.opencontainers.image.description="Announces the addresses of Services over BGP" \
      org.opencontainers.image.source="https://metallb.io/metallb" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/speaker /speaker
USER 65532:65532
ENTRYPOINT ["/speaker"]
