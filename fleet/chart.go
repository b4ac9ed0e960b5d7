package fleet

import "github.com/pinsetter/pinsetter"

// Index is the index of a chart repository over HTTP: a HelmRepository, and the chart
// in it that a ChartRepository names.
type Index struct {
	URL        string // of the repository, without a user
	Chart      string
	Deprecated bool // versions that are marked so count too
	Username   string
	Password   pinsetter.Secret
}

// Kind returns the kind of the object: ImageRepository or ChartRepository.
func (r *Repository) Kind() string {
	if r.Chart {
		return "ChartRepository"
	}
	return "ImageRepository"
}
