package forge_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

// A forge may say again whatever it is sent: no error, reason or address shows it.
func TestEchoesOfTokensDontShow(t *testing.T) {
	const planted = `pl4nt"ed/pa<ss+wörd`
	for _, provider := range []string{fleet.ForgeGitHub, fleet.ForgeGitLab, fleet.ForgeGitea} {
		for _, status := range []int{200, 201, 301, 307, 400, 401, 403, 404, 405, 409, 422, 423, 429, 500, 503} {
			server := parts.Serve(t, parts.Echo(status), parts.FrontOptions{})
			proxied := &pinsetter.Proxy{Address: server.URL, Username: "bot", Password: pinsetter.NewSecret("proxy", planted)}
			for _, where := range []fleet.Forge{
				{URL: server.URL + "/o/r", Token: pinsetter.NewSecret("token", planted)},
				{URL: "https://127.0.0.1:1/o/r", Token: pinsetter.NewSecret("token", planted), Proxy: proxied},
			} {
				where.Provider = provider
				r, err := forge.Open(&where, forge.Options{
					Now: func() time.Time { return time.Unix(1000, 0) }, Sleep: func(context.Context, time.Duration) error { return nil },
				})
				if err != nil {
					t.Fatal(err)
				}
				for name, shown := range everything(t.Context(), r) {
					for _, spelling := range []string{
						planted, planted[:12], url.QueryEscape(planted), url.PathEscape(planted), strings.Trim(fmt.Sprintf("%q", planted), `"`),
						base64.StdEncoding.EncodeToString([]byte("bot:" + planted)), base64.StdEncoding.EncodeToString([]byte(planted)),
					} {
						if strings.Contains(strings.ToLower(shown), strings.ToLower(spelling)) {
							t.Errorf("%s, %d, %s: %s shows %s", provider, status, name, shown, spelling)
						}
					}
				}
			}
		}
	}
}

// everything returns what each call of a repository would show.
func everything(ctx context.Context, r *forge.Repository) map[string]string {
	pr := &forge.PullRequest{Number: 7, Head: "h", Base: "main", State: forge.StateOpen, Title: "t", Body: "b"}
	proposal := forge.Proposal{Head: "h", Base: "main", Title: "new", Body: "new"}
	shown := map[string]string{}
	note := func(name string, values ...any) { shown[name] = fmt.Sprintf("%+v", values) }
	found, err := r.Find(ctx, "h", "main", nil)
	note("find", found, err)
	found, err = r.Create(ctx, proposal)
	note("create", found, err)
	found, _, err = r.Update(ctx, pr, proposal)
	note("update", found, err)
	found, err = r.Close(ctx, pr, "why")
	note("close", found, err)
	merging, why, err := r.Merge(ctx, pr)
	note("merge", merging, why, err)
	commits, err := r.Commits(ctx, pr)
	note("commits", commits, err)
	may, why, err := r.MayEditWorkflows(ctx)
	note("workflows", may, why, err)
	note("comment", r.CommentOnce(ctx, pr, "key", "text"))
	note("stop", r.StopMerging(ctx, pr))
	return shown
}

// The address of a pull request is the forge's word, and is shown everywhere.
func TestAddressOfAPullRequestShowsNoToken(t *testing.T) {
	body := strings.Replace(pull7, "{", `{"html_url":"https://git.test/pulls/7?token=`+secret+`",`, 1)
	found, err := script(t, step{request: getPull, status: http.StatusOK, body: body}).Find(t.Context(), "h", "main", known)
	if err != nil || found == nil || found.URL != "https://git.test/pulls/7?token=[token]" {
		t.Errorf("%+v, %v", found, err)
	}
}
