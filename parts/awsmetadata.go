package parts

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// formOf parses a form's body.
func formOf(body string) url.Values {
	values, _ := url.ParseQuery(body)
	return values
}

// imds answers as version 2 of the instance metadata service alone: without a
// session's token it answers 401, and to a proxied PUT 403.
func (a *AWS) imds(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	const roles = "/latest/meta-data/iam/security-credentials/"
	name := a.node[strings.LastIndexByte(a.node, '/')+1:]
	switch {
	case r.Host != "169.254.169.254":
		w.WriteHeader(http.StatusMisdirectedRequest)
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
		if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		session := rand.Text()
		a.sessions[session] = true
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"))
		_, _ = w.Write([]byte(session))
	case !a.sessions[r.Header.Get("X-Aws-Ec2-Metadata-Token")]:
		w.WriteHeader(http.StatusUnauthorized)
	case r.URL.Path == roles && a.node != "":
		_, _ = w.Write([]byte(name))
	case r.URL.Path == roles+name && a.node != "":
		keys := a.session(a.node)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": keys.ID, "SecretAccessKey": keys.Secret, "Token": keys.Session,
			"LastUpdated": time.Now().UTC().Format(time.RFC3339), "Expiration": time.Now().Add(6 * time.Hour).UTC().Format(time.RFC3339),
		})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// agent answers as the agent of EKS Pod Identity.
func (a *AWS) agent(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for arn, role := range a.roles {
		if role.Agent == "" || r.Header.Get("Authorization") != role.Agent || r.URL.Path != "/v1/credentials" || r.Host != "169.254.170.23" {
			continue
		}
		keys := a.session(arn)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"AccessKeyId": keys.ID, "SecretAccessKey": keys.Secret, "Token": keys.Session, "AccountId": strings.Split(arn, ":")[4],
			"Expiration": time.Now().Add(6 * time.Hour).UTC().Format(time.RFC3339),
		})
		return
	}
	w.WriteHeader(http.StatusUnauthorized)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": "401", "message": "invalid token"})
}
