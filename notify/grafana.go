package notify

import (
	"encoding/base64"
	"html"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// grafanaAnnotation is the body of a request
// (https://grafana.com/docs/grafana/latest/developers/http_api/annotations/#create-annotation).
type grafanaAnnotation struct {
	Time int64    `json:"time"` // milliseconds since 1970
	Text string   `json:"text"`
	Tags []string `json:"tags"`
}

const maxGrafana = 4000

// grafanaTag replaces colons, since the first colon of a tag separates its key
// and value.
var grafanaTag = strings.NewReplacer(":", "|")

// grafana creates an annotation with Flux's tags.
func grafana(p *fleet.Provider, m message) ([]request, error) {
	tags := []string{"flux", reporter}
	for _, f := range m.facts() {
		tags = append(tags, grafanaTag.Replace(f.key)+": "+grafanaTag.Replace(pinsetter.Truncate(f.value, 200)))
	}
	o := m.InvolvedObject
	tags = append(tags, "kind: "+o.Kind, "name: "+o.Name, "namespace: "+o.Namespace)
	r := post(p.Address.Reveal(), grafanaAnnotation{
		Time: m.Timestamp.UnixMilli(), Text: html.EscapeString(m.object() + "\n" + pinsetter.Truncate(m.Message, maxGrafana)), Tags: tags,
	})
	return []request{r.bearing(p.Token).orBasic(p)}, nil
}

// orBasic returns the request with the Provider's user and password, unless it
// has a token.
func (r request) orBasic(p *fleet.Provider) request {
	if r.header["Authorization"] == "" && p.Username != "" && !p.Password.IsZero() {
		r.header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(p.Username+":"+p.Password.Reveal()))
	}
	return r
}
