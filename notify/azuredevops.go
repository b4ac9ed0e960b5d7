package notify

import (
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
)

// azureStatus is the body of a request
// (https://learn.microsoft.com/rest/api/azure/devops/git/statuses/create).
type azureStatus struct {
	State       string       `json:"state"`
	Description string       `json:"description"`
	TargetURL   string       `json:"targetUrl,omitempty"`
	Context     azureContext `json:"context"`
}

type azureContext struct {
	Genre string `json:"genre"`
	Name  string `json:"name"`
}

// azureDevOpsStatus sets a status at a repository of the form
// https://dev.azure.com/ORGANIZATION/PROJECT/_git/REPOSITORY, or of a server.
func azureDevOpsStatus(p *fleet.Provider, m message) ([]request, error) {
	at, err := parsePlace(p.Address.Reveal())
	if err != nil {
		return nil, err
	}
	git := slices.Index(at.parts, "_git")
	if git < 1 || git != len(at.parts)-2 {
		return nil, errors.New("the address names no repository of Azure DevOps: write https://dev.azure.com/ORGANIZATION/PROJECT/_git/REPOSITORY")
	}
	s, found := statusOf(m, at)
	if !found {
		return nil, nil
	}
	escaped := strings.Split(at.path(), "/")
	address := at.base() + "/" + strings.Join(escaped[:git], "/") + "/_apis/git/repositories/" + escaped[git+1] +
		"/commits/" + s.commit + "/statuses?api-version=" + url.QueryEscape("7.1")
	status := azureStatus{State: "succeeded", Description: s.description, TargetURL: s.link, Context: azureContext{Genre: "fluxcd", Name: s.context}}
	if !s.good {
		status.State = "error"
	}
	r := post(address, status)
	r.header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(":"+p.Token.Reveal()))
	return []request{r}, nil
}

// azureKey is place.key for the ssh address of a repository at Azure DevOps, by
// which events may name it.
func (at place) azureKey() string {
	if at.host != "dev.azure.com" || len(at.parts) != 4 {
		return at.key()
	}
	return "ssh.dev.azure.com/v3/" + at.parts[0] + "/" + at.parts[1] + "/" + at.parts[3]
}
