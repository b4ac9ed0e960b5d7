package store

// The tables, the same for both engines. Times are microseconds since 1970 in
// UTC, 0 for none.
//
// Each element migrates the schema to the next version. Never change one that
// was released: stored data is older than the program that reads it.
var migrations = [][]string{{
	`CREATE TABLE pinsetter_sighting (
		image_tag    TEXT NOT NULL PRIMARY KEY,
		first_seen   BIGINT NOT NULL,
		listed       BIGINT NOT NULL,
		digest       TEXT NOT NULL,
		digest_since BIGINT NOT NULL,
		previous     TEXT NOT NULL)`,
	`CREATE INDEX pinsetter_sighting_listed ON pinsetter_sighting (listed)`,
	`CREATE TABLE pinsetter_listing (
		image   TEXT NOT NULL PRIMARY KEY,
		version BIGINT NOT NULL,
		put_at  BIGINT NOT NULL,
		body    TEXT NOT NULL)`,
	`CREATE TABLE pinsetter_fact (
		digest TEXT NOT NULL PRIMARY KEY,
		learnt BIGINT NOT NULL,
		body   TEXT NOT NULL)`,
	`CREATE TABLE pinsetter_written (
		repository   TEXT NOT NULL,
		branch       TEXT NOT NULL,
		path         TEXT NOT NULL,
		object       TEXT NOT NULL,
		policy       TEXT NOT NULL,
		name         TEXT NOT NULL,
		tag          TEXT NOT NULL,
		digest       TEXT NOT NULL,
		written_at   BIGINT NOT NULL,
		commit_id    TEXT NOT NULL,
		shown_name   TEXT NOT NULL,
		shown_tag    TEXT NOT NULL,
		shown_digest TEXT NOT NULL,
		shown_at     BIGINT NOT NULL,
		met_at       BIGINT NOT NULL,
		PRIMARY KEY (repository, branch, path, object, policy))`,
	`CREATE TABLE pinsetter_run (
		id         TEXT NOT NULL PRIMARY KEY,
		at         BIGINT NOT NULL,
		automation TEXT NOT NULL,
		repository TEXT NOT NULL,
		branch     TEXT NOT NULL,
		outcome    TEXT NOT NULL,
		body       TEXT NOT NULL)`,
	`CREATE INDEX pinsetter_run_at ON pinsetter_run (at)`,
	`CREATE INDEX pinsetter_run_last ON pinsetter_run (automation, repository, branch, at)`,
	`CREATE TABLE pinsetter_run_policy (
		policy TEXT NOT NULL,
		run    TEXT NOT NULL,
		PRIMARY KEY (policy, run))`,
	`CREATE INDEX pinsetter_run_policy_run ON pinsetter_run_policy (run)`,
}, {
	`ALTER TABLE pinsetter_sighting ADD COLUMN digest_read BIGINT NOT NULL DEFAULT 0`,
}, {
	`CREATE TABLE pinsetter_proposal (
		repository TEXT NOT NULL,
		automation TEXT NOT NULL,
		branch     TEXT NOT NULL,
		put_at     BIGINT NOT NULL,
		body       TEXT NOT NULL,
		PRIMARY KEY (repository, automation, branch))`,
}, {
	`CREATE TABLE pinsetter_quiet (
		lane   TEXT NOT NULL PRIMARY KEY,
		put_at BIGINT NOT NULL,
		body   TEXT NOT NULL)`,
}, {
	// With naming 1 a repository's name includes its port. Older rows have 0
	// and may belong to any port.
	`ALTER TABLE pinsetter_written ADD COLUMN naming BIGINT NOT NULL DEFAULT 0`,
	`ALTER TABLE pinsetter_proposal ADD COLUMN naming BIGINT NOT NULL DEFAULT 0`,
	`CREATE TABLE pinsetter_moved (
		name TEXT NOT NULL PRIMARY KEY)`,
}, {
	// Since a tag's present digest was read; of those before, no times are known.
	`CREATE TABLE pinsetter_digest (
		image_tag  TEXT NOT NULL,
		digest     TEXT NOT NULL,
		first_seen BIGINT NOT NULL,
		since      BIGINT NOT NULL,
		PRIMARY KEY (image_tag, digest))`,
	`INSERT INTO pinsetter_digest (image_tag, digest, first_seen, since)
		SELECT image_tag, digest, digest_since, digest_since FROM pinsetter_sighting WHERE digest <> ''`,
}, {
	`CREATE TABLE pinsetter_proof (
		digest TEXT NOT NULL,
		trust  TEXT NOT NULL,
		put_at BIGINT NOT NULL,
		body   TEXT NOT NULL,
		PRIMARY KEY (digest, trust))`,
}, {
	// Webhooks that one process took for another: lead is the other's name.
	`CREATE TABLE pinsetter_wake (
		lead      TEXT NOT NULL,
		kind      TEXT NOT NULL,
		namespace TEXT NOT NULL,
		name      TEXT NOT NULL,
		put_at    BIGINT NOT NULL,
		PRIMARY KEY (lead, kind, namespace, name))`,
}}
