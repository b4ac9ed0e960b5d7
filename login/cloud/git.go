package cloud

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"

	azure "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// devOpsScope is of Entra's tokens for Azure DevOps:
// https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity.
const devOpsScope = "499b84ac-1321-427f-aa17-267ca6975798/.default"

// signatureLife is how long a login to CodeCommit is used: AWS takes a
// signature for 15 minutes, and a push may take some.
const signatureLife = 5 * time.Minute

// Git returns a login to a repository of a cloud's Git service. The error says
// which identity was tried, and wraps login.ErrNoIdentity if there is none.
func (l *Logins) Git(ctx context.Context, r login.CloudRequest, u *url.URL) (login.CloudLogin, error) {
	repository, err := login.CloudRepositoryFor(r.Provider, u)
	if err != nil {
		return login.CloudLogin{}, fmt.Errorf("log in to %s: %w", u.Host, err)
	}
	var found login.CloudLogin
	switch r.Provider {
	case login.Azure:
		found, err = l.entra(ctx, azure.AzurePublic, devOpsScope, r, r.Refused)
	case login.GCP:
		found, err = l.cache.get(ctx, login.GCP+" "+proxyKey(r), r.Refused, func(ctx context.Context) (login.CloudLogin, error) {
			return l.gcp(ctx, login.CloudHost{}, r)
		})
	case login.AWS:
		key := strings.Join([]string{"codecommit", u.Host, u.Path, proxyKey(r)}, " ")
		found, err = l.cache.get(ctx, key, r.Refused, func(ctx context.Context) (login.CloudLogin, error) {
			return l.codeCommit(ctx, repository, r, u)
		})
	}
	if err != nil {
		return login.CloudLogin{}, fmt.Errorf("log in to %s: %w", u.Host, l.told(err))
	}
	return found, nil
}

// codeCommit signs a login to one repository of CodeCommit, in the form of AWS's
// own credential helper for Git:
// https://github.com/aws/aws-cli, awscli/customizations/codecommit.py.
func (l *Logins) codeCommit(ctx context.Context, repository login.CloudRepository, r login.CloudRequest, u *url.URL) (login.CloudLogin, error) {
	client, err := l.awsClient(r)
	if err != nil {
		return login.CloudLogin{}, err
	}
	identity, err := l.awsIdentity(ctx, client, repository.Region)
	if err != nil {
		return login.CloudLogin{}, err
	}
	user := identity.keys.AccessKeyID
	if identity.keys.SessionToken != "" {
		user += "%" + identity.keys.SessionToken
	}
	now := l.options.Now().UTC()
	return login.CloudLogin{
		Username: user, Password: pinsetter.NewSecret("signature for "+u.Host, signGit(identity.keys.SecretAccessKey, repository.Region, u, now)),
		Identity: identity.how, Needs: login.GitNeeds[login.AWS], Until: now.Add(signatureLife),
	}, nil
}

// signGit returns the password for a repository: a time, and the signature of a
// request with the method GIT and without a body.
func signGit(secret, region string, u *url.URL, now time.Time) string {
	date := now.Format("20060102T150405")
	scope := strings.Join([]string{date[:8], region, "codecommit", "aws4_request"}, "/")
	hash := sha256.Sum256([]byte("GIT\n" + u.EscapedPath() + "\n\nhost:" + u.Hostname() + "\n\nhost\n"))
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = authenticate(key, part)
	}
	text := strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, hex.EncodeToString(hash[:])}, "\n")
	return date + "Z" + hex.EncodeToString(authenticate(key, text))
}

func authenticate(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
