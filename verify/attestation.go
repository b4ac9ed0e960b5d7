package verify

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// attesters is a rule that some signers must have attested something.
type attesters struct {
	judge
	demanded *fleet.Attestation
}

// proof implements judge.
func (a attesters) proof(ctx context.Context, s checker, digest string) (pinsetter.Signature, error) {
	found, err := a.judge.proof(ctx, s, digest)
	if err != nil || !a.demanded.Provenance() {
		return found, err
	}
	b, ok := s.(bundled)
	if !ok {
		return pinsetter.Signature{}, errors.New("it is no attestation")
	}
	claims, err := b.provenance()
	if err == nil {
		err = a.demanded.Check(claims.builder, claims.sources)
	}
	if err != nil {
		return pinsetter.Signature{}, errors.New(pinsetter.Printable(err.Error()))
	}
	found.Builder = pinsetter.Printable(claims.builder)
	if len(claims.sources) > 0 {
		found.Source = pinsetter.Printable(claims.sources[0])
	}
	return found, nil
}

// claims is what SLSA provenance says of an image.
type claims struct {
	builder string
	sources []string // names of the source, the longest first
}

// provenance reads what a bundle that was verified says
// (https://slsa.dev/spec/v1.0/provenance and https://slsa.dev/spec/v0.2/provenance).
// The source is read where the builder puts what it was told to build: nowhere does
// it come from what the image merely depends on, but if that is one thing.
func (b bundled) provenance() (claims, error) {
	content, err := b.SignatureContent()
	if err != nil || content.EnvelopeContent() == nil {
		return claims{}, errors.New("it has no envelope")
	}
	payload, err := base64.StdEncoding.DecodeString(content.EnvelopeContent().RawEnvelope().Payload)
	if err != nil {
		return claims{}, err
	}
	var statement struct {
		Predicate provenance `json:"predicate"`
	}
	if err := json.Unmarshal(payload, &statement); err != nil {
		return claims{}, fmt.Errorf("its provenance can't be read: %w", err)
	}
	p := statement.Predicate
	if strings.HasSuffix(b.predicate, "/v1") {
		return claims{p.Details.Builder.ID, names(p.source())}, nil
	}
	return claims{p.Builder.ID, names(p.Invocation.ConfigSource.URI)}, nil
}

// provenance is the used part of a predicate, of version 0.2 and of version 1.
type provenance struct {
	Builder    identified `json:"builder"`
	Invocation struct {
		ConfigSource located `json:"configSource"`
	} `json:"invocation"`

	Details struct {
		Builder identified `json:"builder"`
	} `json:"runDetails"`
	Definition struct {
		Parameters struct {
			Workflow struct {
				Repository string `json:"repository"`
				Ref        string `json:"ref"`
			} `json:"workflow"`
			Source       located `json:"source"`
			ConfigSource located `json:"configSource"`
		} `json:"externalParameters"`
		Dependencies []located `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
}

type identified struct {
	ID string `json:"id"`
}

// located is a place, as an object with a URI or as a text.
type located struct{ URI string }

// UnmarshalJSON implements json.Unmarshaler.
func (l *located) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &l.URI) == nil {
		return nil
	}
	var object struct {
		URI string `json:"uri"`
	}
	err := json.Unmarshal(text, &object)
	l.URI = object.URI
	return err
}

// source returns the source by version 1, "" if none is said: GitHub's workflows,
// the generators of slsa-framework, and BuildKit each have a place of their own.
func (p provenance) source() string {
	parameters := p.Definition.Parameters
	switch {
	case parameters.Workflow.Repository != "" && parameters.Workflow.Ref != "":
		return parameters.Workflow.Repository + "@" + parameters.Workflow.Ref
	case parameters.Workflow.Repository != "":
		return parameters.Workflow.Repository
	case parameters.Source.URI != "":
		return parameters.Source.URI
	case parameters.ConfigSource.URI != "":
		return parameters.ConfigSource.URI
	case len(p.Definition.Dependencies) == 1:
		return p.Definition.Dependencies[0].URI
	}
	return ""
}

// names returns a source as it is said, and its repository alone: without the kind
// of repository before it, and the revision behind it.
func names(source string) []string {
	if source == "" {
		return nil
	}
	repository, _, _ := strings.Cut(strings.TrimPrefix(source, "git+"), "#")
	if scheme, rest, found := strings.Cut(repository, "://"); found {
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			path, _, _ := strings.Cut(rest[slash:], "@")
			repository = scheme + "://" + rest[:slash] + path
		}
	}
	if repository == source {
		return []string{source}
	}
	return []string{source, repository}
}
