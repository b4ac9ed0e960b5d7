package notify

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// comment is the body of a request that comments on a pull request, for GitHub,
// Gitea and GitLab.
type comment struct {
	Body string `json:"body"`
}

// maxComment, in characters, is far below the forges' 65,536.
const maxComment = 8000

// commentText is markdown that mentions nobody.
var commentText = strings.NewReplacer("@", "@\u200b")

// commentAt returns the request that comments on the pull request of a message,
// nothing if it is about none of the repository; take builds it for one forge.
// Each event is a comment: to find an earlier one takes more requests.
func commentAt(p *fleet.Provider, m message, take func(at place, number string, c comment) request) ([]request, error) {
	at, err := parsePlace(p.Address.Reveal())
	if err != nil {
		return nil, err
	}
	number := pullRequestNumber(m.event.PullRequest)
	if number == "" || m.isElsewhere(at) {
		return nil, nil
	}
	return []request{take(at, number, comment{m.comment()})}, nil
}

// pullRequestNumber returns the number at the end of a pull request's address,
// "" if there is none.
func pullRequestNumber(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	last := u.Path[strings.LastIndex(u.Path, "/")+1:]
	if n, err := strconv.ParseUint(last, 10, 31); err != nil || n == 0 {
		return ""
	}
	return last
}

// comment returns the message in Flux's form of comments.
func (m message) comment() string {
	inert := func(text string) string { return commentText.Replace(markdown.Replace(text)) }
	o, sign := m.InvolvedObject, "ℹ️"
	if m.Severity == severityError {
		sign = "⚠️"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "## Flux Status\n\n%s %s/%s/%s\n\n%s\n", sign, o.Kind, o.Namespace, o.Name, inert(pinsetter.Truncate(m.Message, maxComment)))
	for i, f := range m.facts() {
		if i == 0 {
			b.WriteString("\nMetadata:\n")
		}
		fmt.Fprintf(&b, "* %s: %s\n", inert(f.key), inert(line(f.value, maxMetadata)))
	}
	return b.String()
}

// gitHubComment: https://docs.github.com/rest/issues/comments#create-an-issue-comment
func gitHubComment(p *fleet.Provider, m message) ([]request, error) {
	return commentAt(p, m, func(at place, number string, c comment) request {
		return post(at.gitHubAPI()+"/issues/"+number+"/comments", c).forGitHub(p)
	})
}

// giteaComment: https://docs.gitea.com/api/#tag/issue/operation/issueCreateComment
func giteaComment(p *fleet.Provider, m message) ([]request, error) {
	return commentAt(p, m, func(at place, number string, c comment) request {
		r := post(at.base()+"/api/v1/repos/"+at.path()+"/issues/"+number+"/comments", c)
		r.header["Authorization"] = "token " + p.Token.Reveal()
		return r
	})
}

// gitLabComment: https://docs.gitlab.com/api/notes/#create-new-merge-request-note
func gitLabComment(p *fleet.Provider, m message) ([]request, error) {
	return commentAt(p, m, func(at place, number string, c comment) request {
		r := post(at.base()+"/api/v4/projects/"+url.PathEscape(at.name())+"/merge_requests/"+number+"/notes", c)
		r.header["Private-Token"] = p.Token.Reveal()
		return r
	})
}
