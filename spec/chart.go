package spec

// ChartRepositorySpec is a ChartRepository's spec.
type ChartRepositorySpec struct {
	SourceRef  ChartSourceRef `json:"sourceRef"`
	Chart      string         `json:"chart"`                // its name in the index
	Interval   Duration       `json:"interval"`             // how often serve asks for the index
	Deprecated bool           `json:"deprecated,omitempty"` // versions that an index marks so count too
	Suspend    bool           `json:"suspend,omitempty"`
}

// ChartSourceRef leads to a HelmRepository; without Namespace, of the same.
type ChartSourceRef struct {
	Kind      string `json:"kind,omitempty"` // "HelmRepository" (default)
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}
