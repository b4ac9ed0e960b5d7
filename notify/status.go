package notify

import (
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// status is a commit status in the terms of all forges.
type status struct {
	commit      string
	good        bool
	context     string
	description string
	link        string // web address; "": none
}

// statusOf returns the commit status for a message about a commit of the place,
// and false for any other message.
func statusOf(m message, at place) (status, bool) {
	e := m.event
	if !commitHash().MatchString(e.Commit) || e.Kind == pinsetter.EventHeld || m.isElsewhere(at) {
		return status{}, false
	}
	s := status{
		commit: e.Commit, good: m.Severity == severityInfo,
		context:     reporter + "/" + m.InvolvedObject.Namespace + "/" + m.InvolvedObject.Name,
		description: line(m.Message, 140), // GitHub's bound, the smallest
	}
	if u, err := url.Parse(e.PullRequest); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		s.link = e.PullRequest
	}
	return s, true
}

// isElsewhere reports whether a message is about another repository.
func (m message) isElsewhere(at place) bool {
	repository := m.event.Repository
	if repository == "" {
		return false
	}
	key := withoutPort(repository)
	return !strings.EqualFold(key, at.key()) && !strings.EqualFold(key, at.azureKey())
}

// forgeWords is a status in the terms of GitHub and Gitea.
type forgeWords struct {
	State       string `json:"state"`
	Context     string `json:"context"`
	Description string `json:"description"`
	TargetURL   string `json:"target_url,omitempty"`
}

// gitLabWords is a status in the terms of GitLab.
type gitLabWords struct {
	State       string `json:"state"`
	Name        string `json:"name"`
	Description string `json:"description"`
	TargetURL   string `json:"target_url,omitempty"`
}

func (s status) words() forgeWords {
	words := forgeWords{"success", s.context, s.description, s.link}
	if !s.good {
		words.State = "failure"
	}
	return words
}

// statusAt returns the request that sets a status; take builds it for one
// forge.
func statusAt(p *fleet.Provider, m message, take func(at place, s status) request) ([]request, error) {
	at, err := parsePlace(p.Address.Reveal())
	if err != nil {
		return nil, err
	}
	s, found := statusOf(m, at)
	if !found {
		return nil, nil
	}
	return []request{take(at, s)}, nil
}

// gitHubStatus: https://docs.github.com/rest/commits/statuses#create-a-commit-status
func gitHubStatus(p *fleet.Provider, m message) ([]request, error) {
	return statusAt(p, m, func(at place, s status) request {
		return post(at.gitHubAPI()+"/statuses/"+s.commit, s.words()).forGitHub(p)
	})
}

// giteaStatus: https://docs.gitea.com/api/#tag/repository/operation/repoCreateStatus
func giteaStatus(p *fleet.Provider, m message) ([]request, error) {
	return statusAt(p, m, func(at place, s status) request {
		r := post(at.base()+"/api/v1/repos/"+at.path()+"/statuses/"+s.commit, s.words())
		r.header["Authorization"] = "token " + p.Token.Reveal()
		return r
	})
}

// gitLabStatus: https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
func gitLabStatus(p *fleet.Provider, m message) ([]request, error) {
	return statusAt(p, m, func(at place, s status) request {
		words := gitLabWords{"success", s.context, s.description, s.link}
		if !s.good {
			words.State = "failed"
		}
		r := post(at.base()+"/api/v4/projects/"+url.PathEscape(at.name())+"/statuses/"+s.commit, words)
		r.header["Private-Token"] = p.Token.Reveal()
		return r
	})
}
