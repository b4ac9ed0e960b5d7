package main

import "strconv"

// library is a module, or modules that are used together.
type library struct {
	name     string // of the benchmark below Libraries
	title    string
	aside    bool // only tests import it
	packages []use
}

// use is a package, and what of it the linker has to keep, as the room that
// imports it does: expressions with $ for the package, none where the import alone
// is what counts.
type use struct{ path, keep string }

// libraries are those that weigh most.
var libraries = []library{
	{"cobra", "cobra", false, []use{{"github.com/spf13/cobra", "(*$.Command).Execute"}}},
	{"yaml", "yaml v3", false, []use{{"go.yaml.in/yaml/v3", "$.NewDecoder"}}},
	{"kyaml", "kyaml", false, []use{{"sigs.k8s.io/kustomize/kyaml/yaml", "$.NewDecoder"}}},
	{"kustomize", "kustomize, with kyaml", false, []use{{"sigs.k8s.io/kustomize/api/krusty", "(*$.Kustomizer).Run"}}},
	{"registry", "go-containerregistry", false, []use{
		{"github.com/google/go-containerregistry/pkg/name", "$.NewRepository"},
		{"github.com/google/go-containerregistry/pkg/v1/remote/transport", "$.Ping, $.Exchange"},
	}},
	{"semver", "semver", false, []use{{"github.com/Masterminds/semver/v3", "$.NewConstraint"}}},
	{"sprig", "sprig, with semver", false, []use{{"github.com/Masterminds/sprig/v3", "$.HermeticTxtFuncMap"}}},
	{"git", "go-git, with go-crypto", false, []use{
		{"github.com/go-git/go-git/v5/plumbing/object", "(*$.Commit).Encode"},
		{"github.com/go-git/go-git/v5/plumbing/protocol/packp", "$.NewAdvRefs"},
		{"github.com/go-git/go-git/v5/plumbing/transport/http", "$.NewClient"},
		{"github.com/go-git/go-git/v5/storage/memory", "$.NewStorage"},
	}},
	{"openpgp", "go-crypto", false, []use{{"github.com/ProtonMail/go-crypto/openpgp", "$.ReadArmoredKeyRing, $.ArmoredDetachSign"}}},
	{"ssh", "ssh", false, []use{{"golang.org/x/crypto/ssh", "$.Dial"}, {"github.com/skeema/knownhosts", "$.New"}, {"github.com/hiddeco/sshsig", "$.Sign"}}},
	{"github", "go-github", false, []use{{"github.com/google/go-github/v60/github", "$.NewClient"}}},
	{"gitlab", "GitLab's client", false, []use{{"gitlab.com/gitlab-org/api/client-go", "$.NewClient"}}},
	{"gitea", "Gitea's SDK", false, []use{{"code.gitea.io/sdk/gitea", "$.NewClient"}}},
	{"aws", "AWS's SDK", false, []use{
		{"github.com/aws/aws-sdk-go-v2/aws/signer/v4", "$.NewSigner"},
		{"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds", "$.New"},
		{"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds", "$.New"},
		{"github.com/aws/aws-sdk-go-v2/credentials/processcreds", "$.NewProviderCommand"},
		{"github.com/aws/aws-sdk-go-v2/credentials/stscreds", "$.NewAssumeRoleProvider, $.NewWebIdentityRoleProvider"},
		{"github.com/aws/aws-sdk-go-v2/feature/ec2/imds", "$.New"},
		{"github.com/aws/aws-sdk-go-v2/service/sts", "$.New"},
	}},
	{"azure", "azidentity", false, []use{
		{"github.com/Azure/azure-sdk-for-go/sdk/azidentity", "$.NewEnvironmentCredential, $.NewWorkloadIdentityCredential, $.NewManagedIdentityCredential"},
	}},
	{"google", "Google's OAuth 2", false, []use{{"golang.org/x/oauth2/google", "$.CredentialsFromJSONWithType"}}},
	{"awsconfig", "AWS's SDK with its reader of profiles", true, []use{{"github.com/aws/aws-sdk-go-v2/config", "$.LoadDefaultConfig"}}},
	{"sqlite", "SQLite", false, []use{{"modernc.org/sqlite", ""}}},
	{"pgx", "pgx", false, []use{{"github.com/jackc/pgx/v5/stdlib", "$.OpenDB"}}},
	{"prometheus", "Prometheus' client", false, []use{
		{"github.com/prometheus/client_golang/prometheus", "$.NewRegistry"},
		{"github.com/prometheus/client_golang/prometheus/collectors", "$.NewGoCollector, $.NewProcessCollector"},
		{"github.com/prometheus/client_golang/prometheus/promhttp", "$.HandlerFor"},
	}},
	{"sigstore", "sigstore-go, with TUF", false, []use{
		{"github.com/sigstore/sigstore-go/pkg/bundle", "(*$.Bundle).UnmarshalJSON, $.NewBundle"},
		{"github.com/sigstore/sigstore-go/pkg/root", "$.NewTrustedRootFromJSON, $.NewTrustedPublicKeyMaterial"},
		{"github.com/sigstore/sigstore-go/pkg/tuf", "$.New, (*$.Client).GetTarget"},
		{"github.com/sigstore/sigstore-go/pkg/verify", "$.NewVerifier, (*$.Verifier).Verify"},
		{"github.com/sigstore/sigstore/pkg/signature", "$.LoadVerifier"},
	}},
	{"notation", "notation-go", false, []use{
		{"github.com/notaryproject/notation-core-go/revocation", "$.NewWithOptions"},
		{"github.com/notaryproject/notation-core-go/revocation/crl", "$.NewHTTPFetcher"},
		{"github.com/notaryproject/notation-core-go/signature/cose", ""},
		{"github.com/notaryproject/notation-core-go/signature/jws", ""},
		{"github.com/notaryproject/notation-go/verifier", "$.NewWithOptions"},
	}},
	{"nats", "NATS' client", false, []use{{"github.com/nats-io/nats.go", "$.Connect, (*$.Conn).Publish, (*$.Conn).FlushWithContext"}}},
	{"sourceignore", "Flux's ignore patterns", false, []use{{"github.com/fluxcd/pkg/sourceignore", "$.NewMatcher, $.ReadPatterns"}}},
	{"flux", "Flux's API modules", true, []use{
		{"github.com/fluxcd/image-automation-controller/api/v1", "new($.ImageUpdateAutomation)"},
		{"github.com/fluxcd/image-reflector-controller/api/v1", "new($.ImagePolicy)"},
		{"github.com/fluxcd/source-controller/api/v1", "new($.GitRepository)"},
	}},
}

// libraryRows are the rows of the table of libraries.
func libraryRows() []row {
	rows := []row{
		{below: "none", work: "none of them", cost: true},
		{below: "all", work: "all that pinsetter has", cost: true},
	}
	for _, l := range libraries {
		title := l.title
		if l.aside {
			title += " (tests only)"
		}
		rows = append(rows, row{below: l.name, work: title, cost: true})
	}
	return rows
}

// costColumns are the cells of a line in the table of libraries.
func (c cell) costColumns() []string {
	if c.run == 0 {
		return []string{c.work, "not measured", "", "", "", "", ""}
	}
	return []string{
		c.work, c.show("binary-MB"), c.show("init-ms"), c.show("peak-MB"),
		c.show("last-binary-MB"), c.show("last-peak-MB"), strconv.Itoa(c.run),
	}
}
