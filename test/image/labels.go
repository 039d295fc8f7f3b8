// SPDX-License-Identifier: Apache-2.0

package image

// Annotations of images, see the OCI image specification.
const (
	labelTitle       = "org.opencontainers.image.title"
	labelDescription = "org.opencontainers.image.description"
	labelSource      = "org.opencontainers.image.source"
	labelVersion     = "org.opencontainers.image.version"
	labelRevision    = "org.opencontainers.image.revision"
	labelLicenses    = "org.opencontainers.image.licenses"
)

// source is where the module is.
const source = "https://metallb.io/metallb"

// labels say what an image of the product is.
func labels(which, version, revision string) map[string]string {
	description := map[string]string{
		ControllerImage: "Gives Services of type LoadBalancer addresses",
		SpeakerImage:    "Announces the addresses of Services over BGP",
		RouterImage:     "BIRD and FRR with a page that shows what they think, for trials and tests",
		NginxImage:      "Stands in for nginx where there is no registry",
	}
	return map[string]string{
		labelTitle: "metallb-" + which, labelDescription: description[which], labelSource: source,
		labelVersion: version, labelRevision: revision, labelLicenses: "Apache-2.0",
	}
}
