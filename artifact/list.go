package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/spec"
)

// Listed is one artifact of a repository: a digest with all its tags.
type Listed struct {
	Artifact string   `json:"artifact"` // "oci://HOST/REPOSITORY:TAG", of the first tag
	Digest   string   `json:"digest"`
	Revision string   `json:"revision,omitempty"`
	Source   string   `json:"source,omitempty"`
	Created  string   `json:"created,omitempty"`
	Tags     []string `json:"tags"`
}

// Filter says which tags are listed. The zero Filter takes all.
type Filter struct {
	SemVer string         // range of versions; "": any tag
	Regex  *regexp.Regexp // nil: any tag
}

// listers is how many manifests List asks for at a time; the registry bounds them
// too.
const listers = 16

// List returns the artifacts of a repository whose tags pass a filter: versions
// first, the newest on top, then other tags descending by bytes. Names of signatures
// and other referrers aren't tags here. It asks for each manifest once. A manifest
// that can't be read doesn't stop the others; the error joins all.
func List(ctx context.Context, in *registry.Repository, f Filter) ([]Listed, error) {
	found, err := in.Tags(ctx)
	if err != nil {
		return nil, err
	}
	tags, err := f.pick(found.Tags)
	if err != nil {
		return nil, err
	}
	one, failed := make([]Listed, len(tags)), make([]error, len(tags))
	var group errgroup.Group
	group.SetLimit(listers)
	for i, tag := range tags {
		group.Go(func() error {
			one[i], failed[i] = listed(ctx, in, tag)
			return nil
		})
	}
	_ = group.Wait() // each has its own error
	return byDigest(one), errors.Join(failed...)
}

// anyVersion is a range that takes prereleases too.
const anyVersion = ">=0.0.0-0"

// pick returns the tags that pass, in the order of List. A range means what it means
// in an ImagePolicy: prereleases pass if it names one.
func (f Filter) pick(tags []string) ([]string, error) {
	tags = slices.DeleteFunc(slices.Clone(tags), func(tag string) bool {
		return pinsetter.ReservedTag(tag) || f.Regex != nil && !f.Regex.MatchString(tag)
	})
	versions, err := policy.New(spec.ImagePolicySpec{Policy: spec.ImagePolicyChoice{SemVer: &spec.SemVerPolicy{Range: cmp.Or(f.SemVer, anyVersion)}}})
	if err != nil {
		return nil, err
	}
	ranking, err := versions.Rank(policy.NewTags(tags))
	if err != nil {
		return nil, err
	}
	var picked []string
	isVersion := map[string]bool{}
	for candidate := range ranking.All() {
		picked = append(picked, candidate.Tag)
		isVersion[candidate.Tag] = true
	}
	if f.SemVer != "" {
		return picked, nil
	}
	return append(picked, slices.DeleteFunc(tags, func(tag string) bool { return isVersion[tag] })...), nil
}

// listed reads what a tag names.
func listed(ctx context.Context, in *registry.Repository, tag string) (Listed, error) {
	r := Reference{Repository: in.Name(), Tag: tag}
	document, digest, err := read(ctx, in, r)
	if err != nil {
		return Listed{}, err
	}
	m, err := parseManifest(document)
	if err != nil {
		return Listed{}, fmt.Errorf("read %s: %w", r, err)
	}
	return Listed{
		Artifact: r.String(), Digest: digest, Tags: []string{tag},
		Revision: m.Annotations[annotationRevision], Source: m.Annotations[annotationSource], Created: m.Annotations[annotationCreated],
	}, nil
}

// byDigest joins those of one digest, at the place of the first.
func byDigest(all []Listed) []Listed {
	joined, at := []Listed{}, map[string]int{}
	for _, one := range all {
		if one.Digest == "" {
			continue // it could not be read
		}
		if i, known := at[one.Digest]; known {
			joined[i].Tags = append(joined[i].Tags, one.Tags...)
			continue
		}
		at[one.Digest] = len(joined)
		joined = append(joined, one)
	}
	return joined
}
