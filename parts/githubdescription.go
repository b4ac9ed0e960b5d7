package parts

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// githubOpenAPI is cut from GitHub's own description of its API; see
// testdata/README.md.
//
//go:embed testdata/github-openapi.json
var githubOpenAPI []byte

// description is an API's description. It checks requests and answers.
type description struct{ router routers.Router }

// githubDescription parses GitHub's description once, since it is large.
var githubDescription = sync.OnceValues(func() (*description, error) {
	// References and paths may contain slashes, which the format can't express.
	text := strings.NewReplacer("/git/ref/{ref}", "/git/ref/{ref:.+}", "/git/refs/{ref}", "/git/refs/{ref:.+}").Replace(string(githubOpenAPI))
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		return nil, err
	}
	router, err := gorillamux.NewRouter(doc)
	return &description{router}, err
})

// operation is a request in the description.
type operation struct {
	name    string // "POST /repos/{owner}/{repo}/pulls"
	params  map[string]string
	route   *routers.Route
	input   *openapi3filter.RequestValidationInput
	request []byte
}

// find returns the operation of a request, after checking the request.
func (d *description) find(r *http.Request) (*operation, error) {
	route, params, err := d.router.FindRoute(r)
	if err != nil {
		return nil, err
	}
	for name, value := range params {
		if params[name], err = url.PathUnescape(value); err != nil {
			return nil, err
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	o := &operation{
		name:   r.Method + " " + strings.ReplaceAll(route.Path, ":.+", ""),
		params: params, route: route, request: body,
		input: &openapi3filter.RequestValidationInput{
			Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{
				AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true,
				RejectWhenRequestBodyNotSpecified: true,
			},
		},
	}
	if err := openapi3filter.ValidateRequest(context.Background(), o.input); err != nil {
		return nil, err
	}
	return o, o.unknown(r)
}

// unknown returns an error for fields of a request that the description lacks.
// JSON Schema would allow them.
func (o *operation) unknown(r *http.Request) error {
	known := func(name string) bool {
		return slices.ContainsFunc(o.route.Operation.Parameters, func(p *openapi3.ParameterRef) bool {
			return p.Value.In == "query" && p.Value.Name == name
		})
	}
	for name := range r.URL.Query() {
		if !known(name) {
			return fmt.Errorf("the query %q is unknown", name)
		}
	}
	if len(o.request) == 0 {
		return nil
	}
	var body any
	if err := json.Unmarshal(o.request, &body); err != nil {
		return err
	}
	return extra(o.route.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value, body)
}

// extra returns an error for a field that a schema lacks.
func extra(schema *openapi3.Schema, value any) error {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			property := schema.Properties[name]
			if property == nil {
				if len(schema.Properties) > 0 {
					return fmt.Errorf("the field %q is unknown", name)
				}
				continue
			}
			if err := extra(property.Value, inner); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	case []any:
		for _, inner := range v {
			if schema.Items == nil {
				break
			}
			if err := extra(schema.Items.Value, inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// answer adds fields that the description requires to a body, and checks it.
// Answers that any request may get aren't in the description.
func (o *operation) answer(status int, body any) ([]byte, error) {
	response := o.route.Operation.Responses.Status(status)
	if response == nil {
		if status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound {
			return json.Marshal(body)
		}
		return nil, fmt.Errorf("the status %d is unknown", status)
	}
	if content := response.Value.Content.Get("application/json"); content != nil {
		body = fill(content.Schema.Value, plainJSON(body))
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	check := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: o.input, Status: status,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
	}
	return data, openapi3filter.ValidateResponse(context.Background(), check.SetBodyBytes(data))
}

// plainJSON converts a value to JSON's own types.
func plainJSON(value any) any {
	data, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	var out any
	_ = json.Unmarshal(data, &out)
	return out
}

// fill adds the fields that the schema requires and have lacks, with the
// smallest value of each type.
func fill(schema *openapi3.Schema, have any) any {
	switch {
	case have == nil && schema.Nullable:
		return nil
	case len(schema.OneOf) > 0:
		return fill(schema.OneOf[0].Value, have)
	case len(schema.AnyOf) > 0:
		return fill(schema.AnyOf[0].Value, have)
	case len(schema.AllOf) > 0:
		for _, part := range schema.AllOf {
			have = fill(part.Value, have)
		}
		return have
	case schema.Type.Is("object"):
		return fillObject(schema, have)
	case schema.Type.Is("array"):
		list, _ := have.([]any)
		out := make([]any, len(list))
		for i, item := range list {
			out[i] = fill(schema.Items.Value, item)
		}
		return out
	case have != nil:
		return have
	}
	return least(schema)
}

func fillObject(schema *openapi3.Schema, have any) any {
	object, ok := have.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, property := range schema.Properties {
		if value, found := object[name]; found || slices.Contains(schema.Required, name) {
			object[name] = fill(property.Value, value)
		}
	}
	return object
}

func least(schema *openapi3.Schema) any {
	switch {
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case schema.Type.Is("boolean"):
		return false
	case schema.Type.Is("integer"), schema.Type.Is("number"):
		return 0
	case schema.Format == "date-time":
		return "2026-01-02T03:04:05Z"
	case schema.Format == "uri":
		return "https://github.example.test/"
	}
	return ""
}
