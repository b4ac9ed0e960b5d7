package notify

import (
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// datadogEvent is the body of a request
// (https://docs.datadoghq.com/api/latest/events/#post-an-event-v1).
type datadogEvent struct {
	Title      string   `json:"title"`
	Text       string   `json:"text"`
	Tags       []string `json:"tags"`
	SourceType string   `json:"source_type_name"`
	Happened   int64    `json:"date_happened"` // seconds since 1970
	AlertType  string   `json:"alert_type"`
}

// Datadog's bounds in characters.
const (
	maxDatadogTitle = 100
	maxDatadogText  = 4000
	maxDatadogTag   = 200
)

// datadogText separates what Datadog would take for a mention, and ends no
// block of Markdown and begins none.
var datadogText = strings.NewReplacer("@", "@\u200b", "%%%", "%%")

// datadog sends an event with Flux's tags. As in Flux, only scheme and host of
// the address are used.
func datadog(p *fleet.Provider, m message) ([]request, error) {
	base, err := baseOf(p)
	if err != nil {
		return nil, err
	}
	o := m.InvolvedObject
	tags := []string{
		"flux_reporting_controller:" + reporter, "flux_reason:" + m.Reason,
		"kube_kind:" + o.Kind, "kube_name:" + o.Name, "kube_namespace:" + o.Namespace,
	}
	for _, f := range m.facts() {
		tags = append(tags, f.key+":"+f.value)
	}
	for i, tag := range tags {
		tags[i] = pinsetter.Truncate(strings.ToLower(tag), maxDatadogTag)
	}
	slices.Sort(tags)
	e := datadogEvent{
		Title: pinsetter.Truncate("Events from the "+o.Kind+" "+o.Name+"/"+o.Namespace, maxDatadogTitle),
		Text:  pinsetter.Truncate(datadogText.Replace(m.Message), maxDatadogText), Tags: tags,
		SourceType: "fluxcd", Happened: m.Timestamp.Unix(), AlertType: m.Severity,
	}
	r := post(base+"/api/v1/events", e)
	r.header["Dd-Api-Key"] = p.Token.Reveal()
	return []request{r}, nil
}
