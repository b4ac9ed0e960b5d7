package notify

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
)

// bitbucketStatus is the body of a request to Bitbucket Cloud
// (https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/)
// or to the server
// (https://developer.atlassian.com/server/bitbucket/rest/, "Store a build status").
type bitbucketStatus struct {
	State       string `json:"state"`
	Key         string `json:"key"`
	Name        string `json:"name"`
	Description string `json:"description"`
	URL         string `json:"url"`
}

func (s status) bitbucket(link string) bitbucketStatus {
	sum := sha1.Sum([]byte(s.context)) // a key has at most 40 characters
	b := bitbucketStatus{State: "SUCCESSFUL", Key: hex.EncodeToString(sum[:]), Name: s.context, Description: s.description, URL: link}
	if !s.good {
		b.State = "FAILED"
	}
	if s.link != "" {
		b.URL = s.link
	}
	return b
}

// bitbucketCloud: the token is a user, a colon and a password, or an access
// token.
func bitbucketCloud(p *fleet.Provider, m message) ([]request, error) {
	return statusAt(p, m, func(at place, s status) request {
		api := at.base() + "/2.0"
		if at.host == "bitbucket.org" {
			api = "https://api.bitbucket.org/2.0"
		}
		r := post(api+"/repositories/"+at.path()+"/commit/"+s.commit+"/statuses/build", s.bitbucket(at.base()+"/"+at.path()))
		if strings.Contains(p.Token.Reveal(), ":") {
			r.header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(p.Token.Reveal()))
			return r
		}
		return r.bearing(p.Token)
	})
}

// bitbucketServer: the address is that of a clone over http,
// https://HOST/scm/PROJECT/REPOSITORY.git, maybe below a path.
func bitbucketServer(p *fleet.Provider, m message) ([]request, error) {
	at, err := parsePlace(p.Address.Reveal())
	if err != nil {
		return nil, err
	}
	scm := slices.Index(at.parts, "scm")
	if scm < 0 || scm != len(at.parts)-3 {
		return nil, errors.New("the address names no repository of a Bitbucket server: write https://HOST/scm/PROJECT/REPOSITORY.git")
	}
	s, found := statusOf(m, at)
	if !found {
		return nil, nil
	}
	escaped := strings.Split(at.path(), "/")
	context := strings.Join(append([]string{at.base()}, escaped[:scm]...), "/")
	status := s.bitbucket(p.Address.Reveal())
	status.Name += " [" + s.description + "]" // the description isn't displayed
	r := post(context+"/rest/api/latest/projects/"+escaped[scm+1]+"/repos/"+escaped[scm+2]+"/commits/"+s.commit+"/builds", status)
	r.header["X-Atlassian-Token"], r.header["X-Requested-With"] = "no-check", "XMLHttpRequest"
	return []request{r.bearing(p.Token).orBasic(p)}, nil
}
