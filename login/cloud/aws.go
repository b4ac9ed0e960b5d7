package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
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
// order: a profile that is named, the keys of the environment, IRSA's web
// identity, the profile default, the agents of EKS Pod Identity and of ECS, the
// node's role.
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
func (l *Logins) awsIdentity(ctx context.Context, client *http.Client, region string) (awsIdentity, error) {
	source, err := (&awsSources{client: client, region: region}).find()
	if err != nil {
		return awsIdentity{}, err
	}
	found := awsIdentity{how: source.how}
	found.keys, err = source.provider.Retrieve(ctx)
	if err != nil {
		return found, fmt.Errorf("as %s: %w", found.how, withoutIdentity(source, err))
	}
	l.secrets.Keep("aws "+region, pinsetter.NewSecret("AWS secret key", found.keys.SecretAccessKey),
		pinsetter.NewSecret("AWS session token", found.keys.SessionToken))
	return found, nil
}

// awsClient returns the HTTP client for AWS. The roots of certificates are the
// system's and those of AWS_CA_BUNDLE.
func (l *Logins) awsClient(r login.CloudRequest) (*http.Client, error) {
	trust := l.trust
	if file := os.Getenv("AWS_CA_BUNDLE"); file != "" {
		more, err := readBounded(file, maxAWSFile)
		if err != nil {
			return nil, fmt.Errorf("read AWS_CA_BUNDLE %s: %w", file, err)
		}
		trust.CA = slices.Concat(trust.CA, []byte("\n"), more)
	}
	client, err := l.client(login.AWS, r, trust)
	if err != nil && os.Getenv("AWS_CA_BUNDLE") != "" {
		return nil, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
	}
	return client, err
}

// find returns the source of this process' identity.
func (s *awsSources) find() (awsSource, error) {
	name := cmp.Or(os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"))
	file := os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE")
	switch {
	case name == "" && environmentKeys().HasKeys():
		return keysOf("the keys of AWS_ACCESS_KEY_ID", environmentKeys()), nil
	case name == "" && file != "":
		return s.webIdentity(os.Getenv("AWS_ROLE_ARN"), file, os.Getenv("AWS_ROLE_SESSION_NAME"), "AWS_ROLE_ARN")
	}
	profiles, err := awsProfiles()
	if err != nil {
		return awsSource{}, err
	}
	if name != "" && profiles[name] == nil {
		return awsSource{}, fmt.Errorf("profile %q (AWS_PROFILE) is neither in ~/.aws/config as [profile %[1]s] nor in ~/.aws/credentials as [%[1]s]", name)
	}
	s.profiles = profiles
	return s.profile(cmp.Or(name, "default"), nil)
}

// environmentKeys returns the keys of the environment, empty if there are none.
func environmentKeys() aws.Credentials {
	return aws.Credentials{
		AccessKeyID:     cmp.Or(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_ACCESS_KEY")),
		SecretAccessKey: cmp.Or(os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SECRET_KEY")),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
	}
}

// withoutIdentity wraps login.ErrNoIdentity if the error says that there is no
// identity to find: nothing answers as a node would, or the node has no role.
func withoutIdentity(source awsSource, err error) error {
	if !source.node {
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
