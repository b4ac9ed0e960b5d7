// Command fluxauth prints the login that Flux's own library gives for a registry
// or a Git repository of a cloud, as "USER PASSWORD", or "TOKEN" if it is a bearer
// token: the judge of ours. It is a module of its own, since that library brings
// controller-runtime and client-go along.
//
//	fluxauth PROVIDER REPOSITORY
//	fluxauth PROVIDER https://HOST/PATH
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/fluxcd/pkg/auth"
	"github.com/fluxcd/pkg/auth/utils"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	login := registry
	if strings.Contains(os.Args[2], "://") {
		login = git
	}
	said, err := login(ctx, os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(said)
}

func registry(ctx context.Context, provider, repository string) (string, error) {
	login, err := utils.GetArtifactRegistryCredentials(ctx, provider, repository)
	if err != nil {
		return "", err
	}
	config, err := login.Authorization()
	if err != nil {
		return "", err
	}
	return config.Username + " " + config.Password, nil
}

func git(ctx context.Context, provider, repository string) (string, error) {
	u, err := url.Parse(repository)
	if err != nil {
		return "", err
	}
	login, err := utils.GetGitCredentials(ctx, provider, auth.WithGitURL(*u))
	switch {
	case err != nil:
		return "", err
	case login.BearerToken != "":
		return login.BearerToken, nil
	}
	return login.Username + " " + login.Password, nil
}
