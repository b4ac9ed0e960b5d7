// Command fluxauth prints the login that Flux's own library gives for a registry
// of a cloud, as "USER PASSWORD": the judge of ours. It is a module of its own, since
// that library brings controller-runtime and client-go along.
//
//	fluxauth PROVIDER REPOSITORY
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/pkg/auth/utils"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	login, err := utils.GetArtifactRegistryCredentials(ctx, os.Args[1], os.Args[2])
	if err == nil {
		var config, failure = login.Authorization()
		if err = failure; err == nil {
			fmt.Println(config.Username, config.Password)
			return
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
