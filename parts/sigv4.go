package parts

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// AWSKeys are the keys of an identity of AWS.
type AWSKeys struct {
	ID, Secret, Session string
	ARN                 string // of the identity
}

// verifySigV4 checks the signature of a request as AWS does:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html.
// It returns the body. Allowed is the largest difference of the clocks.
func verifySigV4(r *http.Request, keys AWSKeys, region, service string, now time.Time) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	field := signatureFields(r.Header.Get("Authorization"))
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil {
		return nil, errors.New("MissingAuthenticationTokenException")
	}
	scope := strings.Join([]string{date[:8], region, service, "aws4_request"}, "/")
	switch {
	case field["Credential"] != keys.ID+"/"+scope:
		return nil, fmt.Errorf("InvalidSignatureException: Credential should be scoped to %s, not %s", scope, field["Credential"])
	case r.Header.Get("X-Amz-Security-Token") != keys.Session:
		return nil, errors.New("UnrecognizedClientException: The security token included in the request is invalid")
	case at.Sub(now).Abs() > 5*time.Minute:
		return nil, fmt.Errorf("InvalidSignatureException: Signature not yet current or expired: %s is not within 5 min. of %s", date, now.UTC().Format("20060102T150405Z"))
	}
	signed := strings.Split(field["SignedHeaders"], ";")
	for _, must := range []string{"host", "x-amz-date"} {
		if !slices.Contains(signed, must) {
			return nil, fmt.Errorf("InvalidSignatureException: header %s is not signed", must)
		}
	}
	canonical := canonicalRequest(r, signed, body)
	if want := signV4(keys.Secret, date, region, service, scope, canonical); !equal(want, field["Signature"]) {
		return nil, errors.New("InvalidSignatureException: The request signature we calculated does not match the signature you provided")
	}
	return body, nil
}

// signatureFields parses an Authorization header of AWS4-HMAC-SHA256.
func signatureFields(header string) map[string]string {
	fields := map[string]string{}
	rest, _ := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	return fields
}

func canonicalRequest(r *http.Request, signed []string, body []byte) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	lines := []string{r.Method, path, strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")}
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		lines = append(lines, name+":"+strings.TrimSpace(value))
	}
	hash := sha256.Sum256(body)
	return strings.Join(append(lines, "", strings.Join(signed, ";"), hex.EncodeToString(hash[:])), "\n")
}

// signV4 returns the signature of a canonical request.
func signV4(secret, date, region, service, scope, canonical string) string {
	mac := func(key []byte, text string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	hash := sha256.Sum256([]byte(canonical))
	key := mac([]byte("AWS4"+secret), date[:8])
	for _, part := range []string{region, service, "aws4_request"} {
		key = mac(key, part)
	}
	text := strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hex.EncodeToString(hash[:])}, "\n")
	return hex.EncodeToString(mac(key, text))
}
