package adopt

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Index is a chart in the index of a HelmRepository over HTTP.
type Index struct {
	Image      string         // as pinsetter.ChartImage has it
	Repository pinsetter.Name // the HelmRepository
	Chart      string
}

// IndexKey returns the key of an index's listing, by its image: a registry may have an
// image of that name.
func IndexKey(image string) string { return "index:" + image }

// Indexes returns the charts whose versions Propose needs, one an image, sorted.
func Indexes(files []*File) []Index {
	known := map[string]Index{}
	for _, f := range files {
		for _, r := range f.References {
			if r.Index == nil || !r.isOpen() {
				continue
			}
			other, there := known[r.Index.Image]
			if !there || r.Index.Repository.Compare(other.Repository) < 0 {
				known[r.Index.Image] = *r.Index
			}
		}
	}
	var all []Index
	for _, i := range known {
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b Index) int { return cmp.Compare(a.Image, b.Image) })
	return all
}

// ChartRepository returns the object of ours that follows a chart of an index.
func ChartRepository(name pinsetter.Name, i Index) Object {
	ref := spec.ChartSourceRef{Kind: "HelmRepository", Name: i.Repository.Name}
	if i.Repository.Namespace != name.Namespace {
		ref.Namespace = i.Repository.Namespace
	}
	return Object{APIVersion: ourVersion, Kind: "ChartRepository", Name: name, Spec: spec.ChartRepositorySpec{
		SourceRef: ref, Chart: i.Chart, Interval: spec.Duration{Duration: interval},
	}}
}

// key is the key of the reference's listing.
func (r *Reference) key() string {
	if r.Index != nil {
		return IndexKey(r.Index.Image)
	}
	return r.Image.Name
}

// holdsUser reports whether a URL has a user, which belongs into a Secret.
func holdsUser(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User != nil
}

func isHTTP(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}
