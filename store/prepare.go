package store

import (
	"context"
	"fmt"
)

// prepare migrates the tables to this program's schema. A read-only ledger
// stays as it is.
func (d *database) prepare(ctx context.Context) error {
	var have int
	err := d.read(ctx, "open state", func(ctx context.Context, q querier) (err error) {
		have, err = version(ctx, q, d.engine)
		return err
	})
	switch {
	case err != nil:
		return err
	case have == len(migrations):
		return nil
	case have > len(migrations):
		return d.fail(ctx, "open state", newer(have))
	case !d.options.ReadOnly:
		return d.write(ctx, "open state", d.migrate)
	case have > 0:
		return d.fail(ctx, "open state", &fault{kind: ErrSchema, way: fmt.Sprintf("schema version %d, "+
			"this program reads %d: pinsetter run brings it up to date", have, len(migrations))})
	}
	err = d.pool.Close() // there is nothing to read
	d.pool = nil
	return err
}

// version returns the schema's version, 0 if there are no tables yet.
func version(ctx context.Context, q querier, e engine) (int, error) {
	var have, all, ours int
	err := q.query(ctx, func(row func(...any) error) error { return row(&all, &ours) }, e.tables())
	if err != nil {
		return 0, err
	}
	if ours == 0 && all > 0 {
		return 0, &fault{kind: ErrSchema, way: "the file is another program's: name another place by --state"}
	}
	if ours == 0 {
		return 0, nil
	}
	err = q.query(ctx, func(row func(...any) error) error { return row(&have) },
		"SELECT version FROM pinsetter_schema")
	return have, err
}

func newer(have int) error {
	return &fault{kind: ErrSchema, way: fmt.Sprintf("schema version %d, this program knows %d: "+
		"run the newer pinsetter that wrote it, or name another place by --state", have, len(migrations))}
}

// migrate runs in a transaction, alone among all processes. Another process may
// have migrated since the caller looked.
func (d *database) migrate(ctx context.Context, q querier) error {
	for _, statement := range d.engine.migrate() {
		if _, err := q.exec(ctx, statement); err != nil {
			return err
		}
	}
	have, err := version(ctx, q, d.engine)
	if err != nil {
		return err
	}
	if have > len(migrations) {
		return newer(have)
	}
	var statements []string
	if have == 0 {
		statements = append(statements,
			"CREATE TABLE pinsetter_schema (version BIGINT NOT NULL, pruned BIGINT NOT NULL)",
			"INSERT INTO pinsetter_schema (version, pruned) VALUES (0, 0)")
	}
	for _, migration := range migrations[have:] {
		statements = append(statements, migration...)
	}
	statements = append(statements, fmt.Sprintf("UPDATE pinsetter_schema SET version = %d", len(migrations)))
	for _, statement := range statements {
		if _, err := q.exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
