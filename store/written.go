package store

import (
	"context"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
)

// Written is the image that the bot last wrote at a site, in the parts that the
// site's markers stand for; other parts are empty.
//
// An image counts once the base showed it. If the base later shows anything but
// Shown, somebody else changed it.
type Written struct {
	Image  pinsetter.Image // last written image, wherever it was pushed
	At     time.Time
	Commit string

	Shown   pinsetter.Image // last written image that the base showed; zero if there was none
	ShownAt time.Time       // when the base was first seen with Shown

	MetAt time.Time // when the site was last recorded as found
}

// Outdated reports whether Show has anything to record for a site that shows
// image at that time.
func (w Written) Outdated(image pinsetter.Image, at time.Time) bool {
	return w.newlyShown(image) || at.Sub(w.MetAt) >= metAgain
}

// newlyShown reports whether a site shows its last written image for the first
// time.
func (w Written) newlyShown(image pinsetter.Image) bool {
	return w.Image == image && (w.Shown != image || w.ShownAt.IsZero())
}

// metAgain is the interval of recording that a site is still found.
const metAgain = 7 * 24 * time.Hour

// siteIs compares a row with the key that a ROWS element begins with.
const siteIs = `s.repository = j.value->>0 AND s.branch = j.value->>1 AND s.path = j.value->>2
	AND s.object = j.value->>3 AND s.policy = j.value->>4`

// Sites is the table of sites that the bot wrote to, with the written images.
type Sites struct{ db *database }

// Written returns the written images at the sites of a repository's base
// branch. It writes nothing.
func (t Sites) Written(ctx context.Context, repository, branch string) (map[Site]Written, error) {
	found := map[Site]Written{}
	if !t.db.reads() {
		return found, nil
	}
	err := t.db.read(ctx, "read what was written", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error {
			site, written, err := scanWritten(row)
			found[site] = written
			return err
		}, writtenColumns+` FROM pinsetter_written s WHERE s.repository = $1 AND s.branch = $2`,
			quoted(repository), quoted(branch))
	})
	return found, err
}

const writtenColumns = `SELECT s.repository, s.branch, s.path, s.object, s.policy, s.name, s.tag, s.digest,
	s.written_at, s.commit_id, s.shown_name, s.shown_tag, s.shown_digest, s.shown_at, s.met_at`

// scanWritten reads a row of writtenColumns.
func scanWritten(row func(...any) error) (site Site, written Written, err error) {
	var key [5]string
	var at, shownAt, metAt int64
	err = row(&key[0], &key[1], &key[2], &key[3], &key[4],
		&written.Image.Name, &written.Image.Tag, &written.Image.Digest, &at, &written.Commit,
		&written.Shown.Name, &written.Shown.Tag, &written.Shown.Digest, &shownAt, &metAt)
	written.At, written.ShownAt, written.MetAt = moment(at), moment(shownAt), moment(metAt)
	return siteFrom(key[0], key[1], key[2], key[3], key[4]), written, err
}

// Show records the images that the base shows at sites at that time; the zero
// Image stands for a site whose markers disagree. A last written image that is
// shown counts from now on. Sites without a written image are skipped. Pass all
// found sites that are Outdated, so that their records are kept.
func (t Sites) Show(ctx context.Context, at time.Time, shown map[Site]pinsetter.Image) error {
	if !t.db.writes() || len(shown) == 0 {
		return nil
	}
	sites := make([]Site, 0, len(shown))
	for site := range shown {
		sites = append(sites, site)
	}
	slices.SortFunc(sites, Site.compare)
	var marked, met [][]any
	err := t.db.read(ctx, "read what was written", func(ctx context.Context, q querier) error {
		marked, met = nil, nil
		return q.query(ctx, func(row func(...any) error) error {
			site, written, err := scanWritten(row)
			image := shown[site]
			switch {
			case written.newlyShown(image):
				marked = append(marked, append(site.columns(), image.Name, image.Tag, image.Digest))
			case written.Outdated(image, at):
				met = append(met, site.columns())
			}
			return err
		}, writtenColumns+` FROM ROWS($1) CROSS JOIN pinsetter_written s WHERE `+siteIs, list(columnsOf(sites)))
	})
	if err != nil || len(marked)+len(met) == 0 {
		return err
	}
	return t.db.write(ctx, "record what the base shows", func(ctx context.Context, q querier) error {
		_, err := q.exec(ctx, `UPDATE pinsetter_written AS s
			SET shown_name = s.name, shown_tag = s.tag, shown_digest = s.digest,
				shown_at = CAST($2 AS BIGINT), met_at = CAST($2 AS BIGINT)
			FROM ROWS($1) WHERE `+siteIs+`
			AND s.name = j.value->>5 AND s.tag = j.value->>6 AND s.digest = j.value->>7`, list(marked), micros(at))
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, `UPDATE pinsetter_written AS s SET met_at = CAST($2 AS BIGINT)
			FROM ROWS($1) WHERE s.met_at < CAST($2 AS BIGINT) AND `+siteIs, list(met), micros(at))
		return err
	})
}

func columnsOf(sites []Site) [][]any {
	rows := make([][]any, len(sites))
	for i, site := range sites {
		rows[i] = site.columns()
	}
	return rows
}

// recordWritten replaces the last written images at a run's sites. It keeps
// what the base showed.
func recordWritten(ctx context.Context, q querier, run Run) error {
	if len(run.Wrote) == 0 {
		return nil
	}
	sites := make([]Site, 0, len(run.Wrote))
	for site := range run.Wrote {
		sites = append(sites, site)
	}
	slices.SortFunc(sites, Site.compare)
	rows := columnsOf(sites)
	for i, site := range sites {
		image := run.Wrote[site]
		rows[i] = append(rows[i], plain(image.Name), plain(image.Tag), plain(image.Digest))
	}
	_, err := q.exec(ctx, `INSERT INTO pinsetter_written (repository, branch, path, object, policy,
		name, tag, digest, written_at, commit_id, shown_name, shown_tag, shown_digest, shown_at, met_at, naming)
		SELECT j.value->>0, j.value->>1, j.value->>2, j.value->>3, j.value->>4, j.value->>5, j.value->>6, j.value->>7,
			CAST($2 AS BIGINT), CAST($3 AS TEXT), '', '', '', 0, CAST($2 AS BIGINT), 1 FROM ROWS($1) WHERE true
		ON CONFLICT (repository, branch, path, object, policy) DO UPDATE
		SET name = excluded.name, tag = excluded.tag, digest = excluded.digest,
			written_at = excluded.written_at, commit_id = excluded.commit_id, met_at = excluded.met_at, naming = 1`,
		list(rows), micros(run.At), plain(run.Commit))
	return err
}
