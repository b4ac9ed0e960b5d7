package cloud

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The files of AWS's profiles are read here, and not by the SDK's own reader:
// that would bring the clients of IAM Identity Center and of aws login along,
// 2.4 MB that only people at a keyboard need. Tests hold the two to each other.

// awsProfile is what the files of AWS say of a profile: values by key, in lower
// case.
// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
type awsProfile map[string]string

// maxAWSFile bounds a file of profiles, in bytes.
const maxAWSFile = 1 << 20

// awsProfiles reads the profiles of both files. What the file of credentials
// says wins. A file that isn't there is empty.
func awsProfiles() (map[string]awsProfile, error) {
	home, _ := os.UserHomeDir() // without one, only files that the environment names are read
	profiles := map[string]awsProfile{}
	for _, file := range []struct {
		variable, usual string
		config          bool
	}{
		{"AWS_CONFIG_FILE", "config", true},
		{"AWS_SHARED_CREDENTIALS_FILE", "credentials", false},
	} {
		path := cmp.Or(os.Getenv(file.variable), filepath.Join(home, ".aws", file.usual))
		data, err := readBounded(path, maxAWSFile)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("read AWS's profiles in %s: %w", path, err)
		}
		mergeProfiles(profiles, parseAWS(string(data)), file.config)
	}
	return profiles, nil
}

// mergeProfiles adds the sections of a file that are profiles. In the file of
// the configuration their names have the prefix "profile", which only default
// can do without.
func mergeProfiles(into map[string]awsProfile, sections map[string]awsProfile, config bool) {
	for section, values := range sections {
		name, prefixed := strings.CutPrefix(section, "profile ")
		switch {
		case config && !prefixed && (name != "default" || sections["profile default"] != nil):
			continue
		case !config && prefixed:
			continue
		}
		if into[name] == nil {
			into[name] = awsProfile{}
		}
		for key, value := range values {
			into[name][key] = value
		}
	}
}

// parseAWS returns the sections of a file of AWS. As the SDK, it passes over
// what it can't read.
func parseAWS(text string) map[string]awsProfile {
	sections := map[string]awsProfile{}
	var section awsProfile
	last := "" // the key of the property before, "" if there is none
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r")
		trimmed := strings.TrimSpace(line)
		indented := line != "" && (line[0] == ' ' || line[0] == '\t')
		switch {
		case trimmed == "", trimmed[0] == '#', trimmed[0] == ';':
		case isSection(trimmed):
			name := sectionName(trimmed)
			if sections[name] == nil {
				sections[name] = awsProfile{}
			}
			section, last = sections[name], ""
		case section == nil:
		case indented && last != "" && section[last] == "": // of a nested setting, such as that of a service
		case indented && last != "" && !strings.ContainsAny(trimmed, "=:"):
			section[last] += "\n" + trimmed
		default:
			if key, value, ok := property(trimmed); ok {
				section[key], last = value, key
			}
		}
	}
	return sections
}

// isSection reports whether a line begins a section.
func isSection(line string) bool {
	line = withoutComment(line)
	return strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]")
}

// sectionName returns the name in "[type name]", with one blank between the two.
func sectionName(line string) string {
	line = withoutComment(line)
	kind, rest, found := strings.Cut(strings.ReplaceAll(strings.TrimSpace(line[1:len(line)-1]), "\t", " "), " ")
	if !found {
		return kind
	}
	return kind + " " + unquoteAWS(strings.TrimSpace(rest))
}

// withoutComment returns the line of a section without what follows it.
func withoutComment(line string) string {
	if i := strings.IndexAny(line, "#;"); i >= 0 {
		line = line[:i]
	}
	return strings.TrimSpace(line)
}

// property returns the key and the value of a line.
func property(line string) (key, value string, ok bool) {
	for _, comment := range []string{" #", " ;", "\t#", "\t;"} {
		line, _, _ = strings.Cut(line, comment)
	}
	i := strings.IndexAny(line, "=:")
	if i < 1 {
		return "", "", false
	}
	return strings.ToLower(strings.TrimSpace(line[:i])), unquoteAWS(strings.TrimSpace(line[i+1:])), true
}

// unquoteAWS drops the quotes around a text.
func unquoteAWS(text string) string {
	for _, quote := range []string{`"`, `'`} {
		if inner, found := strings.CutPrefix(text, quote); found && strings.HasSuffix(inner, quote) {
			return strings.TrimSuffix(inner, quote)
		}
	}
	return text
}
