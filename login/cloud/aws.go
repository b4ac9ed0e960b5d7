package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// awsIdentity is an identity of AWS, and how it was found.
type awsIdentity struct {
	keys aws.Credentials
	how  string // for people
}

// awsIdentity finds the identity of this process for a region, in AWS's own
// order: the environment, IRSA's web identity, profiles with the roles that
// they assume, the agents of EKS Pod Identity and of ECS, the node's role.
func (l *Logins) awsIdentity(ctx context.Context, client *http.Client, region string) (awsIdentity, error) {
	settings, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(region),
		config.WithHTTPClient(client),
		config.WithEndpointCredentialOptions(func(o *endpointcreds.Options) { o.HTTPClient = client }),
		config.WithEC2RoleCredentialOptions(func(o *ec2rolecreds.Options) {
			// Version 1 of IMDS would answer also if the hop limit keeps the
			// answers of version 2 from this container, and is left out.
			o.Client = imds.New(imds.Options{HTTPClient: client, EnableFallback: aws.FalseTernary})
		}),
	)
	if err != nil {
		return awsIdentity{}, fmt.Errorf("read the settings of AWS: %w", err)
	}
	found := awsIdentity{how: identityOf(settings.Credentials)}
	found.keys, err = settings.Credentials.Retrieve(ctx)
	if err != nil {
		return found, fmt.Errorf("as %s: %w", found.how, withoutIdentity(settings.Credentials, err))
	}
	l.secrets.Keep("aws "+region, pinsetter.NewSecret("AWS secret key", found.keys.SecretAccessKey),
		pinsetter.NewSecret("AWS session token", found.keys.SessionToken))
	return found, nil
}

// identityOf says for people where an identity comes from.
func identityOf(provider aws.CredentialsProvider) string {
	is := func(kind aws.CredentialsProvider) bool { return aws.IsCredentialsProvider(provider, kind) }
	profile := os.Getenv("AWS_PROFILE")
	if profile == "" {
		profile = "default"
	}
	switch {
	case is((*stscreds.WebIdentityRoleProvider)(nil)):
		return fmt.Sprintf("role %s by web identity (AWS_ROLE_ARN)", os.Getenv("AWS_ROLE_ARN"))
	case is((*stscreds.AssumeRoleProvider)(nil)):
		return "the role that profile " + profile + " assumes"
	case is((*ec2rolecreds.Provider)(nil)):
		return "the node's role (IMDSv2)"
	case is((*endpointcreds.Provider)(nil)) && os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != "":
		return "the task's role (ECS)"
	case is((*endpointcreds.Provider)(nil)):
		return "the role of EKS Pod Identity (AWS_CONTAINER_CREDENTIALS_FULL_URI)"
	case is((*ssocreds.Provider)(nil)), is((*processcreds.Provider)(nil)):
		return "profile " + profile
	case os.Getenv("AWS_ACCESS_KEY_ID") != "":
		return "the keys of AWS_ACCESS_KEY_ID"
	}
	return "profile " + profile
}

// withoutIdentity wraps login.ErrNoIdentity if the error says that there is no
// identity to find: nothing answers as a node would, or the node has no role.
func withoutIdentity(provider aws.CredentialsProvider, err error) error {
	if !aws.IsCredentialsProvider(provider, (*ec2rolecreds.Provider)(nil)) {
		return err
	}
	var answer *smithyhttp.ResponseError
	switch {
	case !errors.As(err, &answer):
		return noIdentity{fmt.Sprintf("nothing answers at 169.254.169.254 (AWS's IMDSv2): outside of AWS set AWS_PROFILE or AWS_ROLE_ARN; "+
			"in a container on a node that has a role, use IRSA or EKS Pod Identity, or raise the node's hop limit to 2 (%v)", err)}
	case answer.HTTPStatusCode() == http.StatusNotFound:
		return noIdentity{"the node has no role; use IRSA or EKS Pod Identity, or give the node a role"}
	}
	return err
}

// noIdentity is an error that wraps login.ErrNoIdentity.
type noIdentity struct{ text string }

func (e noIdentity) Error() string { return e.text }
func (e noIdentity) Unwrap() error { return login.ErrNoIdentity }
