package forge

import (
	"context"
	"fmt"
	"slices"

	sdk "gitlab.com/gitlab-org/api/client-go"
)

// checks returns what the jobs and external statuses of a commit wait for, ""
// if they pass or there are none. A commit may have several pipelines. GitLab
// itself waits for the one that it merges by.
func (g *gitlab) checks(ctx context.Context, mr *sdk.MergeRequest) (string, error) {
	for page := int64(1); page <= contextPages; page++ {
		some, response, err := g.api.Commits.GetCommitStatuses(g.project(), mr.SHA, &sdk.GetCommitStatusesOptions{
			ListOptions: sdk.ListOptions{Page: page, PerPage: gitlabPage},
		}, sdk.WithContext(ctx))
		if err != nil {
			return "", err
		}
		for _, status := range some {
			if why := hinders(mr, status); why != "" {
				return why, nil
			}
		}
		if len(some) < gitlabPage && response.NextPage == 0 {
			return "", nil
		}
	}
	return "the commit has more jobs and statuses than are looked at", nil
}

// hinders returns why a job or status prevents a merge, or "".
func hinders(mr *sdk.MergeRequest, status *sdk.CommitStatus) string {
	ahead := []string{"created", "waiting_for_resource", "preparing", "pending", "running", "scheduled"}
	switch {
	case status.AllowFailure, slices.Contains([]string{"success", "skipped", "manual"}, status.Status):
		return ""
	case mr.HeadPipeline != nil && status.PipelineID == mr.HeadPipeline.ID && slices.Contains(ahead, status.Status):
		return ""
	}
	return fmt.Sprintf("the job or status %q is %s", status.Name, status.Status)
}
