package artifact

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// userinfo matches the part of a URL that may hold a password.
var userinfo = pinsetter.Pattern(`//[^/@]*@`)

// PublicSource returns the URL of a source without what may be secret in it: user and
// password, of ssh the password alone. Guides have CI pass the URL of its checkout,
// which may hold a token.
func PublicSource(source string) string {
	u, err := url.Parse(source)
	if err != nil || u.Host == "" {
		return userinfo().ReplaceAllString(source, "//")
	}
	if u.User != nil && u.Scheme == "ssh" {
		u.User = url.User(u.User.Username())
	} else {
		u.User = nil
	}
	return u.String()
}

// Epoch is the created of an artifact that has none: that of Flux's --reproducible.
var Epoch = time.Unix(0, 0).UTC()

// ParseEpoch reads SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/):
// seconds since 1970.
func ParseEpoch(text string) (time.Time, bool) {
	seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	at := time.Unix(seconds, 0).UTC()
	return at, err == nil && seconds >= 0 && at.Year() <= 9999
}
