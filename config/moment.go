package config

import (
	"reflect"
	"time"

	"go.yaml.in/yaml/v3"
)

var momentType = reflect.TypeFor[time.Time]()

// moment decodes a point in time, in RFC 3339 as Kubernetes writes it.
func (d *decoder) moment(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.mistyped(n, path, `a time such as "2026-12-24T00:00:00Z"`)
		return
	}
	at, err := time.Parse(time.RFC3339, n.Value)
	if err != nil {
		d.taint(path)
		d.report(n, codeTime, path, "%q is not a time: write RFC 3339 with a zone, such as %q%s",
			n.Value, "2026-12-24T00:00:00Z", d.object.hint(n.Value))
		return
	}
	v.Set(reflect.ValueOf(at))
}
