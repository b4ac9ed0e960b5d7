package pinsetter

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

var notInImage = Pattern(`[^a-z0-9/]+`)

// ChartImage returns a name as an image's for a chart of a repository over HTTP:
// "charts.example.com/stable/app". If the address has more than a name can show, it
// ends with a hash of it. It returns "" if the address is no URL.
func ChartImage(repository, chart string) string {
	u, err := url.Parse(repository)
	if err != nil {
		return ""
	}
	path := strings.Trim(u.Path, "/") + "/" + chart
	name := strings.Trim(notInImage().ReplaceAllString(strings.ToLower(strings.TrimPrefix(path, "/")), "-"), "-/")
	if name != strings.TrimPrefix(path, "/") || u.RawQuery != "" || u.Scheme != "https" {
		sum := sha256.Sum256([]byte(u.String() + " " + chart))
		name += "-" + hex.EncodeToString(sum[:4])
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
	for i, part := range parts {
		parts[i] = strings.Trim(part, "-")
	}
	return strings.ToLower(u.Host) + "/" + strings.Join(parts, "/")
}
