// Package secret reads what Secrets hold: mounted ones from their folder, and of
// any the credentials that a use needs. It says what a Secret lacks for it, and
// knows neither objects nor references.
package secret

import (
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// Content is the content of a Secret, from an object or a mounted folder. It prints
// as the Secret's name.
type Content struct {
	Name    pinsetter.Name
	Where   string // "path:line", or the folder
	Mounted bool
	Type    string            // "" is unknown for a mounted folder, Opaque for an object
	Data    map[string]string // base64; plain for a mounted folder
	Text    map[string]string // plain; goes before Data
}

// Format writes the Secret's name, whatever the verb.
func (c Content) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "Secret "+c.Name.String()) }

// MarshalText returns the Secret's name; encoders of JSON and logs use it.
func (c Content) MarshalText() ([]byte, error) { return fmt.Append(nil, c), nil }

// HasEncrypted reports whether a value is SOPS's. It recognises those of a
// document whose metadata was lost.
func (c *Content) HasEncrypted() bool {
	for _, values := range []map[string]string{c.Data, c.Text} {
		for _, value := range values {
			if strings.HasPrefix(value, "ENC[AES256_GCM") {
				return true
			}
		}
	}
	return false
}

// Same reports whether two Secrets have the same keys and values. One whose values
// can't be decoded is like no other.
func (c *Content) Same(other *Content) bool {
	keys := c.keys()
	if !slices.Equal(keys, other.keys()) {
		return false
	}
	for _, key := range keys {
		x, errX := c.value(key)
		y, errY := other.value(key)
		if x != y || errX != nil || errY != nil {
			return false
		}
	}
	return true
}

// keys returns the keys that have a value, sorted.
func (c *Content) keys() []string {
	var keys []string
	for key := range c.Data {
		keys = append(keys, key)
	}
	for key := range c.Text {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// keyGrammar is that of a Secret's keys (k8s.io/apimachinery, IsConfigMapKey).
var keyGrammar = pinsetter.Pattern(`^[-._a-zA-Z0-9]{1,253}$`)

// Refused says why Kubernetes refuses the object, "" if it doesn't.
func (c *Content) Refused() string {
	for _, key := range c.keys() {
		if !c.Mounted && !keyGrammar().MatchString(key) {
			return fmt.Sprintf("has a key %q, which Kubernetes refuses: write letters, digits, -, _ and .", key)
		}
	}
	return ""
}

// value returns what a key holds, "" where there is none. stringData wins over
// data, as in a cluster.
func (c *Content) value(key string) (string, error) {
	if value, found := c.Text[key]; found {
		return value, nil
	}
	if c.Mounted {
		return c.Data[key], nil
	}
	value, err := base64.StdEncoding.DecodeString(c.Data[key]) // which passes over line breaks, as Kubernetes does
	switch {
	case err != nil && strings.ContainsAny(c.Data[key], " \t"):
		return "", fmt.Errorf("has a blank in the base64 under data.%s, which Kubernetes refuses: write it without, or as a block that starts with |", key)
	case err != nil:
		return "", fmt.Errorf("has no base64 under data.%s: encode it, or move it to stringData", key)
	}
	return string(value), nil
}
