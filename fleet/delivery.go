package fleet

import (
	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/message"
)

// Delivery is what an ArtifactAutomation builds on and where it pushes, in place of
// an ImageUpdateAutomation's repository and branches.
type Delivery struct {
	Source *OCISource // nil when the reference leads nowhere; then Automation.Err says so

	// Repository is the one that is pushed to, as a scanner asks it. It has the name of
	// the automation, and no exclusionList.
	Repository *Repository

	Tag      *message.Tag // of each artifact, which keeps it; nil only with Automation.Err
	MoveTags []string     // that name the latest artifact, in the order in which they are moved

	SigningKey  *ArtifactKey // nil: artifacts are not signed
	Annotations map[string]string
}

// ArtifactKey signs artifacts: a private key as cosign writes it, or of PKCS #8.
type ArtifactKey struct {
	Secret   pinsetter.Name // that has it
	Key      pinsetter.Secret
	Password pinsetter.Secret // empty: the key is not encrypted, or by the empty password
}

// Kind returns the kind of the object: ImageUpdateAutomation or ArtifactAutomation.
func (a *Automation) Kind() string {
	if a.Delivery != nil {
		return "ArtifactAutomation"
	}
	return "ImageUpdateAutomation"
}

// Object is how events and findings name the automation.
func (a *Automation) Object() pinsetter.Object {
	apiVersion := "image.toolkit.fluxcd.io/v1"
	if a.Delivery != nil {
		apiVersion = "pinsetter.dev/v1alpha1"
	}
	return pinsetter.Object{APIVersion: apiVersion, Kind: a.Kind(), Namespace: a.Name.Namespace, Name: a.Name.Name}
}

// ReadsFrom reports whether an object of a kind and name is what the automation reads.
func (a *Automation) ReadsFrom(kind string, name pinsetter.Name) bool {
	switch kind {
	case "GitRepository":
		return a.Git != nil && a.Git.Name == name
	case "OCIRepository":
		return a.Delivery != nil && a.Delivery.Source != nil && a.Delivery.Source.Name == name
	}
	return false
}
