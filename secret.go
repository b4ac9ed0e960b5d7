package pinsetter

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a value that must never be shown. It prints as its name in every
// verb, in JSON, YAML and logs. The zero Secret is empty.
type Secret struct {
	name  string
	value string
}

// NewSecret returns a secret that prints as "[name]". Name says where the value
// comes from, such as "secret flux-system/git, key password".
func NewSecret(name, value string) Secret { return Secret{name: name, value: value} }

// Reveal returns the value. Call it only to pass the value to its purpose.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether the secret holds no value.
func (s Secret) IsZero() bool { return s.value == "" }

// String returns the secret's name in brackets.
func (s Secret) String() string { return "[" + s.name + "]" }

// Format writes the secret's name, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns the secret's name; encoders of JSON and YAML use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns the secret's name.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
