package cloud

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// TokenFiles are files with tokens of OpenID Connect, by the host of the
// registry that each is for, with its port if it has one. A file is read for
// every use: who renews a token replaces it.
type TokenFiles map[string]TokenFile

// TokenFile is a file with a token.
type TokenFile struct {
	Path string
	User string // beside which the token is sent as a password; "": it is a bearer token
}

// tokenHost is the host of a registry as it stands in an image.
var tokenHost = pinsetter.Pattern(`^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[0-9]{1,5})?$`)

// ParseTokenFiles reads "HOST=FILE" or "USER@HOST=FILE" of each text. The error
// shows no text: it may be a token that was given in a file's place.
func ParseTokenFiles(texts []string) (TokenFiles, error) {
	files := TokenFiles{}
	for _, text := range texts {
		left, path, _ := strings.Cut(text, "=")
		user, host := "", left
		if i := strings.LastIndexByte(left, '@'); i >= 0 {
			user, host = left[:i], left[i+1:]
		}
		switch _, twice := files[host]; {
		case path == "", !tokenHost().MatchString(host), strings.Contains(left, "@") && user == "":
			return nil, errors.New("write HOST=FILE or USER@HOST=FILE, with the host and port of a registry as they stand in its images")
		case twice:
			return nil, fmt.Errorf("host %s has two files", host)
		}
		files[host] = TokenFile{Path: path, User: user}
	}
	return files, nil
}

// Hosts returns the hosts that have a file.
func (t TokenFiles) Hosts() map[string]bool {
	hosts := make(map[string]bool, len(t))
	for host := range t {
		hosts[host] = true
	}
	return hosts
}

// maxTokenFile bounds the file of a token, in bytes. A JWT with the claims of a
// ServiceAccount has about one KiB.
const maxTokenFile = 64 << 10

// projected returns the login to a registry by the token in its file, as it is
// now. A token that isn't what the request wants is never sent.
func (l *Logins) projected(r login.CloudRequest) (login.CloudLogin, error) {
	file, found := l.options.Tokens[r.Host]
	if !found {
		return login.CloudLogin{}, noIdentity{fmt.Sprintf("no token was given for %s: project one of the ServiceAccount with the registry's audience into a volume, "+
			"and start with --registry-token-file %[1]s=FILE", r.Host)}
	}
	text, claims, err := readToken(file.Path)
	if err != nil {
		return login.CloudLogin{}, fmt.Errorf("read the token for %s in %s: %w", r.Host, file.Path, err)
	}
	for _, audience := range r.Token.Audiences {
		if !slices.Contains(claims.Audience, audience) {
			return login.CloudLogin{}, fmt.Errorf("the token in %s is for %q, and spec.credential.audiences wants %q: project one for that audience",
				file.Path, []string(claims.Audience), audience)
		}
	}
	if wanted := r.Token.Subject; wanted != "" && claims.Subject != wanted {
		return login.CloudLogin{}, fmt.Errorf("the token in %s is of %q, and spec.serviceAccountName wants one of %q: give the file of that account's token, or leave the field out",
			file.Path, claims.Subject, wanted)
	}
	with := login.CloudLogin{
		Username: cmp.Or(r.Token.User, file.User),
		Password: pinsetter.NewSecret("token in "+file.Path, text),
		Identity: fmt.Sprintf("%s (the token in %s)", cmp.Or(claims.Subject, "nobody"), file.Path),
		Needs:    l.tokenNeeds(claims),
	}
	if with.Username == "" {
		with.Needs += fmt.Sprintf("; it was sent as a bearer token, and --registry-token-file USER@%s=FILE sends it as a password, which Harbor takes alone", r.Host)
	}
	if claims.ExpiresAt != nil {
		with.Until = claims.ExpiresAt.Time
	}
	l.secrets.Keep("token "+r.Host, with.Password)
	return with, nil
}

// tokenNeeds says for people what a token needs that was refused.
func (l *Logins) tokenNeeds(claims jwt.RegisteredClaims) string {
	if end := claims.ExpiresAt; end != nil && l.options.Now().After(end.Time) {
		return fmt.Sprintf("to be renewed, since it ended at %s: is the file still the one that is replaced?", end.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("a registry that trusts the issuer %q with audience %q, and lets %q list tags", claims.Issuer, []string(claims.Audience), claims.Subject)
}

// readToken reads a file that holds a JWT, and what it claims. Nobody checks it
// here: that is for its receiver.
func readToken(path string) (string, jwt.RegisteredClaims, error) {
	data, err := readBounded(path, maxTokenFile)
	if err != nil {
		return "", jwt.RegisteredClaims{}, err
	}
	return parseToken(data)
}

// parseToken reads the content of such a file.
func parseToken(data []byte) (string, jwt.RegisteredClaims, error) {
	var claims jwt.RegisteredClaims
	text := strings.TrimSpace(string(data))
	if _, _, err := jwt.NewParser().ParseUnverified(text, &claims); err != nil {
		return "", claims, errors.New("it is no JSON Web Token")
	}
	return text, claims, nil
}
