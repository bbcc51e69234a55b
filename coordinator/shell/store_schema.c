#include "coordinator/shell/store_private.h"

/*
 * What is written together lies together, however many runs there were before: a leg beside the
 * other legs of its run, a step beside those that were first assigned in the same moment.
 */
const char store_schema[] =
    "CREATE TABLE meta ("
    "  one INTEGER PRIMARY KEY CHECK (one = 1),"
    "  cluster_id BLOB NOT NULL,"
    "  epoch INTEGER NOT NULL) STRICT;"
    "CREATE TABLE agent ("
    "  name TEXT NOT NULL PRIMARY KEY, key BLOB NOT NULL, is_active INTEGER NOT NULL,"
    "  since_wall_ms INTEGER NOT NULL, mac BLOB) STRICT, WITHOUT ROWID;"
    "CREATE TABLE operator ("
    "  name TEXT NOT NULL PRIMARY KEY, key BLOB NOT NULL, role INTEGER NOT NULL,"
    "  is_active INTEGER NOT NULL, since_wall_ms INTEGER NOT NULL, mac BLOB) STRICT, WITHOUT ROWID;"
    "CREATE TABLE target ("
    "  target_id BLOB NOT NULL PRIMARY KEY, name TEXT, service TEXT, agent TEXT, labels BLOB,"
    "  system_identifier INTEGER, database_oid INTEGER, server_version INTEGER, state INTEGER,"
    "  fault BLOB, applied_count INTEGER, applied_version TEXT,"
    "  is_gone INTEGER, mac BLOB) STRICT, WITHOUT ROWID;"
    "CREATE INDEX target_name ON target (name, is_gone);"
    "CREATE TABLE run ("
    "  run_id BLOB NOT NULL PRIMARY KEY, number INTEGER NOT NULL, spec BLOB, operator_name TEXT,"
    "  state INTEGER NOT NULL, why TEXT, leg_count INTEGER, done_count INTEGER,"
    "  failed_count INTEGER, started_wall_ms INTEGER, ended_wall_ms INTEGER,"
    "  rollback_number INTEGER, mac BLOB) STRICT, WITHOUT ROWID;"
    "CREATE UNIQUE INDEX run_number ON run (number);"
    "CREATE INDEX run_open ON run (number) WHERE state < 4;"
    "CREATE TABLE leg ("
    "  run_id BLOB NOT NULL, target_id BLOB NOT NULL, ordinal INTEGER NOT NULL, wave INTEGER,"
    "  state INTEGER NOT NULL, from_version TEXT, to_version TEXT, steps BLOB,"
    "  done_count INTEGER, fault BLOB, mac BLOB,"
    "  PRIMARY KEY (run_id, ordinal, target_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE step ("
    "  sequence INTEGER PRIMARY KEY, step_id BLOB NOT NULL UNIQUE, run_id BLOB NOT NULL,"
    "  target_id BLOB NOT NULL, position INTEGER NOT NULL, version TEXT, name TEXT,"
    "  direction INTEGER, state INTEGER NOT NULL, owed INTEGER, attempt INTEGER,"
    "  ended_wall_ms INTEGER, outcome BLOB, mac BLOB) STRICT;"
    "CREATE INDEX step_run ON step (run_id);"
    "CREATE INDEX step_failed ON step (run_id, target_id) WHERE state = 4;"
    "CREATE TABLE audit ("
    "  sequence INTEGER PRIMARY KEY, wall_ms INTEGER, actor TEXT, verb TEXT, subject TEXT,"
    "  detail TEXT) STRICT;"
    "CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit"
    "  BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;"
    "CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit"
    "  BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;" STORE_SCHEMA_PACE
        STORE_SCHEMA_LOAD "CREATE TABLE bundle ("
    "  digest BLOB NOT NULL PRIMARY KEY, service TEXT, size INTEGER NOT NULL,"
    "  received INTEGER NOT NULL, is_complete INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE piece ("
    "  number INTEGER PRIMARY KEY,"
    "  digest BLOB NOT NULL REFERENCES bundle (digest),"
    "  offset INTEGER NOT NULL, content BLOB NOT NULL, UNIQUE (digest, offset)) STRICT;";

_Static_assert(RUN_DONE == 4, "the index of open runs says state < 4");
_Static_assert(STEP_FAILED == 4, "the index of failed steps says state = 4");

const struct store_table store_tables[RECORD_KIND_COUNT] = {
    [RECORD_AGENT] = {"agent", "name"},
    [RECORD_OPERATOR] = {"operator", "name"},
    [RECORD_TARGET] = {"target", "target_id"},
    [RECORD_RUN] = {"run", "run_id"},
    [RECORD_LEG] = {"leg", "run_id, ordinal, target_id"},
    [RECORD_STEP] = {"step", "step_id"},
    [RECORD_AUDIT] = {"audit", NULL},
    [RECORD_LOAD] = {"load", "run_id, ordinal, position"},
    [RECORD_PACE] = {"pace", "target_id, kind"},
};
