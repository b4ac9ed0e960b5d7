package cloud

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// maxAnswer bounds an answer of a cloud's API, in bytes. A token has a few KiB.
const maxAnswer = 256 << 10

// ecrAPI is an API that issues tokens for registries:
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html and
// https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html.
type ecrAPI struct {
	target, service   string
	permission, needs string // for people
}

var (
	privateECR = ecrAPI{
		target: "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", service: "ecr", permission: "ecr:GetAuthorizationToken",
		needs: "ecr:ListImages and ecr:BatchGetImage (the policy AmazonEC2ContainerRegistryReadOnly has both); for an image of another account, that image's repository policy must allow them too",
	}
	publicECR = ecrAPI{
		target: "SpencerFrontendService.GetAuthorizationToken", service: "ecr-public", permission: "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken",
		needs: "ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken (the policy AmazonElasticContainerRegistryPublicReadOnly has both)",
	}
)

// ecr logs in to a registry of AWS.
func (l *Logins) ecr(ctx context.Context, host login.CloudHost, r login.CloudRequest) (login.CloudLogin, error) {
	client, err := l.awsClient(r)
	if err != nil {
		return login.CloudLogin{}, err
	}
	identity, err := l.awsIdentity(ctx, client, host.Region)
	if err != nil {
		return login.CloudLogin{}, err
	}
	api := privateECR
	if host.Account == "" {
		api = publicECR
	}
	answer, err := l.ecrToken(ctx, client, host, api, identity)
	if err != nil {
		return login.CloudLogin{}, fmt.Errorf("as %s: ask %s for a token: %w", identity.how, host.API, err)
	}
	return login.CloudLogin{
		Username: answer.user, Password: pinsetter.NewSecret("AWS token for "+host.Region, answer.password),
		Identity: identity.how, Needs: api.needs, Until: answer.until,
	}, nil
}

// ecrLogin is what an API answers.
type ecrLogin struct {
	user, password string
	until          time.Time
}

// readECR reads the answer of an API.
func readECR(data []byte) (ecrLogin, error) {
	var answer struct {
		Data ecrAuthorization `json:"authorizationData"`
	}
	err := json.Unmarshal(data, &answer)
	pair, invalid := base64.StdEncoding.DecodeString(answer.Data.Token)
	user, password, ok := strings.Cut(string(pair), ":")
	if err != nil || invalid != nil || !ok || user == "" || password == "" {
		return ecrLogin{}, errors.New("the answer holds no token")
	}
	return ecrLogin{user, password, time.Unix(int64(min(max(answer.Data.ExpiresAt, 0), maxUnix)), 0)}, nil
}

// maxUnix is the last time of a four-digit year, in seconds of Unix time.
const maxUnix = 253402300799

// ecrAuthorization is the used part of an API's answer.
type ecrAuthorization struct {
	Token     string  `json:"authorizationToken"`
	ExpiresAt float64 `json:"expiresAt"` // seconds of Unix time
}

// UnmarshalJSON reads an object, or the first of a list: ECR Public answers
// with the one, ECR with the other.
func (a *ecrAuthorization) UnmarshalJSON(data []byte) error {
	type plain ecrAuthorization
	if list := []plain(nil); json.Unmarshal(data, &list) == nil {
		if len(list) > 0 {
			*a = ecrAuthorization(list[0])
		}
		return nil
	}
	return json.Unmarshal(data, (*plain)(a))
}

// awsError is how AWS's JSON protocol says what is wrong.
type awsError struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
	Upper   string `json:"Message"`
	status  int
}

func (e *awsError) Error() string {
	return fmt.Sprintf("%s %s", cmp.Or(e.kind(), strconv.Itoa(e.status)), cmp.Or(e.Message, e.Upper, http.StatusText(e.status)))
}

// kind returns the error's name without its namespace.
func (e *awsError) kind() string { return e.Type[strings.LastIndexByte(e.Type, '#')+1:] }

const (
	// tries bounds the requests for one token. With the pauses of retry they
	// take 7 seconds.
	tries = 4

	// firstPause is doubled for each further try.
	firstPause = time.Second
)

// ecrToken asks for a token, again if the API is overloaded, and once more with
// the API's time if it says that this machine's clock is wrong.
func (l *Logins) ecrToken(ctx context.Context, client *http.Client, host login.CloudHost, api ecrAPI, identity awsIdentity) (ecrLogin, error) {
	var ahead time.Duration
	for try := 1; ; try++ {
		answer, date, err := l.ecrOnce(ctx, client, host, api, identity, ahead)
		var said *awsError
		if err == nil || !errors.As(err, &said) {
			return answer, err
		}
		switch {
		case said.kind() == "AccessDeniedException":
			return answer, fmt.Errorf("%w; give it %s", err, api.permission)
		case said.isSkew() && ahead == 0 && !date.IsZero():
			ahead = date.Sub(l.options.Now())
			try-- // the request was none
			continue
		case try == tries, said.status != http.StatusTooManyRequests && said.status < 500 && !strings.HasPrefix(said.kind(), "Throttl"):
			return answer, err
		}
		if err := l.options.Sleep(ctx, firstPause<<(try-1)); err != nil {
			return answer, err
		}
	}
}

// isSkew reports whether the error may come from a wrong clock.
func (e *awsError) isSkew() bool {
	switch e.kind() {
	case "RequestExpired", "RequestTimeTooSkewed", "InvalidSignatureException", "SignatureDoesNotMatch":
		return true
	}
	return false
}

// ecrOnce asks for a token one time. Ahead is how much the API's clock is ahead
// of this machine's. The time is the API's, zero if it doesn't say it.
func (l *Logins) ecrOnce(ctx context.Context, client *http.Client, host login.CloudHost, api ecrAPI, identity awsIdentity, ahead time.Duration) (ecrLogin, time.Time, error) {
	body := []byte("{}")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host.API+"/", bytes.NewReader(body))
	if err != nil {
		return ecrLogin{}, time.Time{}, err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", api.target)
	hash := sha256.Sum256(body)
	err = v4.NewSigner().SignHTTP(ctx, identity.keys, request, hex.EncodeToString(hash[:]), api.service, host.Region, l.options.Now().Add(ahead))
	if err != nil {
		return ecrLogin{}, time.Time{}, err
	}
	status, header, data, err := exchange(client, request)
	if err != nil {
		return ecrLogin{}, time.Time{}, err
	}
	if status != http.StatusOK {
		said := &awsError{status: status}
		_ = json.Unmarshal(data, said) // without it, the status says what is wrong
		date, _ := http.ParseTime(header.Get("Date"))
		return ecrLogin{}, date, said
	}
	answer, err := readECR(data)
	return answer, time.Time{}, err
}

// exchange sends a request and reads the whole answer.
func exchange(client *http.Client, request *http.Request) (int, http.Header, []byte, error) {
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, nil, fmt.Errorf("read the answer: %w", err)
	case len(data) > maxAnswer:
		return 0, nil, nil, fmt.Errorf("the answer has more than %d KiB", maxAnswer>>10)
	}
	return response.StatusCode, response.Header, data, nil
}
