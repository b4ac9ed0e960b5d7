package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strconv"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// otlpTraces is an ExportTraceServiceRequest in JSON
// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
type otlpTraces struct {
	Resources []otlpResourceSpans `json:"resourceSpans"`
}

type otlpResourceSpans struct {
	Resource otlpResource     `json:"resource"`
	Scopes   []otlpScopeSpans `json:"scopeSpans"`
}

type otlpResource struct {
	Attributes []otlpAttribute `json:"attributes"`
}

type otlpScopeSpans struct {
	Scope otlpScope  `json:"scope"`
	Spans []otlpSpan `json:"spans"`
}

type otlpScope struct {
	Name string `json:"name"`
}

type otlpSpan struct {
	TraceID    string          `json:"traceId"`
	SpanID     string          `json:"spanId"`
	Name       string          `json:"name"`
	Kind       int             `json:"kind"`
	Start      string          `json:"startTimeUnixNano"`
	End        string          `json:"endTimeUnixNano"`
	Attributes []otlpAttribute `json:"attributes"`
	Status     otlpStatus      `json:"status"`
}

type otlpAttribute struct {
	Key   string    `json:"key"`
	Value otlpValue `json:"value"`
}

type otlpValue struct {
	Text string `json:"stringValue"`
}

type otlpStatus struct {
	Code    int    `json:"code"`
	Message string `json:"message,omitempty"`
}

// Numbers of OTLP's enumerations.
const (
	otlpInternal = 1
	otlpOK       = 1
	otlpError    = 2
)

const maxOTLP = 4000

// otel sends a span of no length, with Flux's names. As in Flux, one trace has
// the spans of an Alert and a revision. A user without a name has a bearer
// token for a password.
func otel(p *fleet.Provider, m message) ([]request, error) {
	u, err := url.Parse(p.Address.Reveal())
	if err != nil {
		return nil, errors.New("the address is not a URL")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces" // the default of OTLP over HTTP
	}
	o, at := m.InvolvedObject, strconv.FormatInt(m.Timestamp.UnixNano(), 10)
	attributes := []otlpAttribute{attribute("object.kind", o.Kind), attribute("object.name", o.Name), attribute("object.namespace", o.Namespace)}
	for _, f := range m.facts() {
		attributes = append(attributes, attribute(f.key, f.value))
	}
	span := otlpSpan{
		TraceID: otlpID(16, m.alert.String(), m.Metadata["revision"]), SpanID: otlpID(8, m.object(), m.Metadata["revision"], m.Reason, at),
		Name: o.Kind + ": " + o.Namespace + "/" + o.Name, Kind: otlpInternal, Start: at, End: at,
		Attributes: attributes, Status: otlpStatus{otlpOK, ""},
	}
	span.Attributes = append(span.Attributes, attribute("event.message", pinsetter.Truncate(m.Message, maxOTLP)))
	if m.Severity == severityError {
		span.Status = otlpStatus{otlpError, pinsetter.Truncate(m.Message, maxOTLP)}
	}
	resource := otlpResource{[]otlpAttribute{attribute("service.name", m.alert.String()), attribute("service.namespace", m.alert.Namespace)}}
	r := post(u.String(), otlpTraces{[]otlpResourceSpans{{resource, []otlpScopeSpans{{otlpScope{"flux:notification-controller"}, []otlpSpan{span}}}}}})
	maps.Copy(r.header, reveal(p.Headers))
	r.accepts = otlpAccepts
	if r.header["Authorization"] == "" && p.Username == "" {
		r = r.bearing(p.Password)
	}
	return []request{r.orBasic(p)}, nil
}

func attribute(key, value string) otlpAttribute { return otlpAttribute{key, otlpValue{value}} }

// otlpID returns an id of so many bytes that is the same for equal parts.
func otlpID(size int, parts ...string) string {
	data, _ := json.Marshal(parts) //nolint:errchkjson // strings always can be
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:size])
}

// otlpAccepts checks an answer that may say that the span was dropped. An empty
// body, or one in protobuf, says nothing.
func otlpAccepts(body []byte) error {
	var answer struct {
		Partial struct {
			Rejected json.RawMessage `json:"rejectedSpans"` // a number, as text by the rules of protobuf
			Message  string          `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(body, &answer) == nil {
		if n := string(answer.Partial.Rejected); n != "" && n != "0" && n != `"0"` {
			return rejection("the collector dropped the span: " + line(clean(answer.Partial.Message), maxSaid))
		}
	}
	return nil
}
