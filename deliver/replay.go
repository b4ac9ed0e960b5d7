package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/setters"
)

// errNotReplayed says that an artifact isn't what the bot would have built.
var errNotReplayed = errors.New("built again from its annotations it is another one")

// Replay tells whether an automation made an artifact by building it again.
type Replay struct {
	Set        *fleet.Set
	Automation *fleet.Automation
	From       *registry.Repository // of its source
}

// Check fails unless an artifact, whose manifest is document, is what the automation
// builds on the claimed base with the claimed changes, byte for byte. The claim alone
// proves nothing.
func (r Replay) Check(ctx context.Context, claim Claim, document []byte) error {
	if claim.Automation != r.Automation.Name {
		return fmt.Errorf("it says that it is of %s", pinsetter.Printable(claim.Automation.String()))
	}
	mediaType, _ := r.Automation.Delivery.Source.Layer()
	base, err := artifact.OpenBase(ctx, r.From, claim.Base, mediaType)
	if err != nil {
		return fmt.Errorf("it can't be built again: %w", err)
	}
	defer base.Close()
	if err := base.Fetch(ctx); err != nil {
		return err
	}
	found, err := base.Files(ctx, artifact.Wanted{Folder: r.Automation.Path, Name: setters.IsCandidate, Holds: setters.HasToken, Most: setters.MaxSize})
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, file := range found {
		if file.Err != nil {
			continue
		}
		redone, err := Redo(file.Name, setters.Find(file.Name, file.Data), file.Data, claim.Changes)
		if err != nil {
			return err
		}
		if len(redone.Took) == 0 {
			continue
		}
		files[file.Name] = redone.Data
		sites := setters.Find(file.Name, redone.Data).Sites
		for i := range redone.Took {
			if err := r.couldWrite(sites[i]); err != nil {
				return err
			}
		}
	}
	var m struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(document, &m); err != nil {
		return errNotReplayed
	}
	built, err := base.Build(ctx, files, m.Annotations)
	if err != nil {
		return err
	}
	defer built.Close()
	if built.Digest != registry.DigestOf(document) {
		return errNotReplayed
	}
	return nil
}

// couldWrite fails unless the automation could have written what a site shows.
func (r Replay) couldWrite(site pinsetter.Site) error {
	policy := r.Set.Policy(site.Policy)
	if policy == nil || !r.Automation.Selects(policy) || policy.Repository == nil || policy.Rules == nil {
		return fmt.Errorf("%s:%d was changed, and the automation doesn't write ImagePolicy %s", site.Path, site.Line(), site.Policy)
	}
	for _, written := range site.Written {
		named := written.Name == "" || written.Name == policy.Repository.Image
		if !named || written.Tag != "" && policy.Rules.Judge(written.Tag).Verdict == pinsetter.Rejected {
			return fmt.Errorf("%s:%d shows %s, which ImagePolicy %s doesn't select", site.Path, site.Line(), pinsetter.Printable(written.String()), site.Policy)
		}
	}
	return nil
}
