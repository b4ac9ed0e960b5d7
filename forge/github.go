package forge

import (
	"errors"

	"github.com/pinsetter/pinsetter/config"
)

func openGitHub(*config.Forge, place, Options) (host, error) {
	return nil, errors.New("pull requests at GitHub can't be opened yet")
}
