package parts

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// AWS are the services of AWS that log in to its registries, written from its
// API descriptions: STS, ECR's API, registries, IMDS and the agent of EKS Pod
// Identity. They refuse what AWS refuses: signatures are verified with region,
// service, time and session.
type AWS struct {
	IMDS        Front // http://169.254.169.254
	PodIdentity Front // http://169.254.170.23

	t      T
	clouds *Clouds

	mu        sync.Mutex
	keys      map[string]AWSKeys // by ID
	roles     map[string]AWSRole // by ARN
	node      string             // ARN of the node's role
	sessions  map[string]bool    // IMDSv2
	issued    map[string]time.Time
	denied    map[string]string // permission by ARN of the identity that lacks it
	throttled int               // requests to refuse
	skew      time.Duration     // of AWS's clock
	life      time.Duration     // of a registry's token
}

// AWSRole is a role and who may assume it.
type AWSRole struct {
	WebIdentity string // a token that may
	Agent       string // the authorization with which Pod Identity's agent gives it
	From        string // ARN of an identity that may
}

// NewAWS starts the services that have no region. They end with t.
func NewAWS(t T, clouds *Clouds) *AWS {
	a := &AWS{t: t, clouds: clouds, keys: map[string]AWSKeys{}, roles: map[string]AWSRole{},
		sessions: map[string]bool{}, issued: map[string]time.Time{}, denied: map[string]string{}, life: 12 * time.Hour}
	a.IMDS = Serve(t, http.HandlerFunc(a.imds), FrontOptions{})
	a.PodIdentity = Serve(t, http.HandlerFunc(a.agent), FrontOptions{})
	return a
}

// change changes the services' state.
func (a *AWS) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

// NewKeys returns keys of an identity.
func (a *AWS) NewKeys(arn string) AWSKeys {
	k := AWSKeys{ID: "AKIA" + rand.Text()[:16], Secret: rand.Text() + rand.Text(), ARN: arn}
	a.change(func() { a.keys[k.ID] = k })
	return k
}

// AddRole adds a role.
func (a *AWS) AddRole(arn string, r AWSRole) { a.change(func() { a.roles[arn] = r }) }

// SetNode gives the node a role, of which nobody else knows.
func (a *AWS) SetNode(arn string) { a.change(func() { a.node = arn }) }

// Deny takes a permission from an identity.
func (a *AWS) Deny(arn, permission string) { a.change(func() { a.denied[arn] = permission }) }

// Throttle refuses the next n requests to ECR's API.
func (a *AWS) Throttle(n int) { a.change(func() { a.throttled = n }) }

// Skew sets AWS's clock ahead.
func (a *AWS) Skew(d time.Duration) { a.change(func() { a.skew = d }) }

// Revoke ends all tokens of registries.
func (a *AWS) Revoke() { a.change(func() { clear(a.issued) }) }

// Life sets how long a registry's token is valid.
func (a *AWS) Life(d time.Duration) { a.change(func() { a.life = d }) }

// session makes keys of a role that was assumed.
func (a *AWS) session(arn string) AWSKeys {
	k := AWSKeys{ID: "ASIA" + rand.Text()[:16], Secret: rand.Text() + rand.Text(), Session: rand.Text() + rand.Text(), ARN: arn}
	a.keys[k.ID] = k
	return k
}

// now is AWS's time.
func (a *AWS) now() time.Time { return time.Now().Add(a.skew) }

// NewRegistry starts a registry of an account in a region, that region's API
// and STS. Host is the registry's, and api the API's.
func (a *AWS) NewRegistry(host, api, region string, public bool) *Registry {
	r := NewRegistry(a.t, RegistryOptions{})
	service := "ecr"
	if public {
		service = "ecr-public"
	}
	a.clouds.Serve(host, a.guard(r, public))
	a.clouds.Serve(api, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.ecrAPI(w, r, region, service) }))
	suffix := "amazonaws.com"
	if strings.HasSuffix(api, ".cn") {
		suffix += ".cn"
	}
	a.clouds.Serve("sts."+region+"."+suffix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.sts(w, r, region) }))
	return r
}

// guard demands a token of ECR: by HTTP Basic, or from ECR Public as a bearer
// token from its own token server.
func (a *AWS) guard(r *Registry, public bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		user, password, ok := request.BasicAuth()
		if bearer, found := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer "); found && public {
			user, password, ok = "AWS", bearer, true
		}
		a.mu.Lock()
		until, known := a.issued[password]
		arn, denied := "", ""
		for who, permission := range a.denied {
			arn, denied = who, permission
		}
		a.mu.Unlock()
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		switch {
		case !ok || user != "AWS":
			challenge := `Basic realm="https://` + request.Host + `/",service="ecr.amazonaws.com"`
			if public {
				challenge = `Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws",scope="aws"`
			}
			w.Header().Set("WWW-Authenticate", challenge)
			http.Error(w, "Not Authorized", http.StatusUnauthorized)
		case !known || time.Now().After(until):
			http.Error(w, `{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}`, http.StatusForbidden)
		case denied == "ecr:ListImages" && strings.HasSuffix(request.URL.Path, "/tags/list"):
			http.Error(w, fmt.Sprintf(`{"errors":[{"code":"DENIED","message":"User: %s is not authorized to perform: ecr:ListImages on resource: %s"}]}`, arn, request.URL.Path), http.StatusForbidden)
		case public && request.URL.Path == "/token/":
			_ = json.NewEncoder(w).Encode(map[string]any{"token": password})
		default:
			r.pages.ServeHTTP(w, request)
		}
	})
}

// who returns the identity that signed a request.
func (a *AWS) who(r *http.Request, region, service string) (AWSKeys, []byte, error) {
	id, _, _ := strings.Cut(signatureFields(r.Header.Get("Authorization"))["Credential"], "/")
	keys, found := a.keys[id]
	if !found {
		return keys, nil, errors.New("UnrecognizedClientException: The security token included in the request is invalid")
	}
	body, err := verifySigV4(r, keys, region, service, a.now())
	return keys, body, err
}

// ecrAPI answers GetAuthorizationToken.
func (a *AWS) ecrAPI(w http.ResponseWriter, r *http.Request, region, service string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("Date", a.now().UTC().Format(http.TimeFormat))
	refuse := func(status int, kind, message string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": message})
	}
	if a.throttled > 0 {
		a.throttled--
		refuse(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
		return
	}
	target := map[string]string{"ecr": "AmazonEC2ContainerRegistry_V20150921", "ecr-public": "SpencerFrontendService"}[service]
	keys, body, err := a.who(r, region, service)
	switch {
	case err != nil:
		kind, message, _ := strings.Cut(err.Error(), ": ")
		refuse(http.StatusBadRequest, kind, message)
	case r.Method != http.MethodPost || r.URL.Path != "/" || r.Header.Get("X-Amz-Target") != target+".GetAuthorizationToken" ||
		r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || string(body) != "{}":
		refuse(http.StatusBadRequest, "UnknownOperationException", "")
	case a.denied[keys.ARN] == "ecr:GetAuthorizationToken":
		refuse(http.StatusBadRequest, "AccessDeniedException", "User: "+keys.ARN+" is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows it")
	default:
		token := rand.Text() + rand.Text()
		a.issued[token] = time.Now().Add(a.life)
		data := map[string]any{
			"authorizationToken": base64.StdEncoding.EncodeToString([]byte("AWS:" + token)),
			"expiresAt":          float64(time.Now().Add(a.life).UnixMilli()) / 1000,
		}
		if service == "ecr" {
			_ = json.NewEncoder(w).Encode(map[string]any{"authorizationData": []any{data}})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"authorizationData": data})
	}
}

// sts answers AssumeRole and AssumeRoleWithWebIdentity.
func (a *AWS) sts(w http.ResponseWriter, r *http.Request, region string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	data, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	r.Body = io.NopCloser(strings.NewReader(string(data)))
	form := formOf(string(data))
	role, known := a.roles[form.Get("RoleArn")]
	action, message := form.Get("Action"), ""
	switch {
	case form.Get("Version") != "2011-06-15" || form.Get("RoleSessionName") == "":
		message = "missing parameter"
	case action == "AssumeRoleWithWebIdentity":
		if !known || role.WebIdentity == "" || form.Get("WebIdentityToken") != role.WebIdentity || r.Header.Get("Authorization") != "" {
			message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
		}
	case action == "AssumeRole":
		keys, _, err := a.who(r, region, "sts")
		switch {
		case err != nil:
			message = err.Error()
		case !known || role.From != keys.ARN:
			message = "User: " + keys.ARN + " is not authorized to perform: sts:AssumeRole on resource: " + form.Get("RoleArn")
		}
	default:
		message = "unknown action " + action
	}
	w.Header().Set("Content-Type", "text/xml")
	if message != "" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>")
		_ = xml.EscapeText(w, []byte(message))
		_, _ = io.WriteString(w, "</Message></Error><RequestId>1</RequestId></ErrorResponse>")
		return
	}
	keys := a.session(form.Get("RoleArn"))
	_, _ = fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>%[2]s</AccessKeyId>`+
		`<SecretAccessKey>%[3]s</SecretAccessKey><SessionToken>%[4]s</SessionToken><Expiration>%[5]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`,
		action, keys.ID, keys.Secret, keys.Session, a.now().Add(time.Hour).UTC().Format(time.RFC3339))
}
