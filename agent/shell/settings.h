/*
 * settings: what agent.yaml says, read and checked before anything is opened.
 *
 *   agent: agent-eu                      its name, as `skein agent add` was told
 *   coordinator:
 *     endpoint: tcp://db-control:7471
 *     key: 3f0c…                         its public key: 64 hex digits, or a .pub file
 *   key: /etc/skein/agent-eu.key         this agent's own
 *   cache: /var/cache/skein              bundles; may be thrown away
 *   log: info                            debug, info, warn, error
 *   limits: { cache_mib: 256 }
 *   targets:
 *     - name: auth-eu-1                  unique within the fleet
 *       service: auth
 *       database: "host=/run/postgresql dbname=auth"   libpq's conninfo, without a password
 *       role: auth_owner                 SET ROLE for migrations
 *       search_path: auth, public        for migrations
 *       labels: { env: prod, region: eu }
 *       lock_timeout: 2s                 of one statement's wait for a lock
 *       lock_budget: 1m                  of all its tries together
 *       statement_timeout: 1m            of one statement; without it: none
 *       timeout: 10m                     of one script; without it: none
 *       window: "Sat 02:00-05:00 Europe/Berlin"   when alone its steps may be done (window.h)
 *       observe: true                    measure what steps cost the application
 *       preflight:                       what is done about what stands against a change: ignore,
 *         lag: hold                      warn, hold, refuse; each with a limit of its own where
 *         lag_limit: 30s                 there is one
 *       evict:                           whom to ask to leave who is in the way of a lock; without
 *         after: 30s                     it: nobody. Only transactions as old as this, that have
 *         grace: 5s                      written nothing, of these applications: first a cancel,
 *         applications: [reports]        then, after this time, the end of the session
 */
#ifndef AGENT_SHELL_SETTINGS_H
#define AGENT_SHELL_SETTINGS_H

#include "common/base/log.h"
#include "proto/message.h"
#include "agent/execute/execute.h"

struct agent_settings_target {
    struct target_config target;
    const char *service;
    struct label *labels;
    size_t label_count;
    struct window window;
};

/* All that it points to lives in its arena. */
struct agent_settings {
    const char *name;
    const char *endpoint;
    uint8_t coordinator_key[KEY_SIZE];
    const char *key_path, *cache_path;
    enum log_level log_level;
    uint64_t cache_size_max;
    struct agent_settings_target *targets;
    size_t target_count;
    struct arena arena;
};

/*
 * Read a file that only its owner may write. False with E-CFG-… (where: file:line:column),
 * E-NAME-SYNTAX, E-KEY-FORMAT, E-DB-CONNINFO.
 */
bool agent_settings_open(const char *path, struct agent_settings *settings, struct error *error);

/* The same from text in memory; `name` stands for the file in errors. */
bool agent_settings_parse(const char *name, const char *text, size_t size,
                          struct agent_settings *settings, struct error *error);

void agent_settings_release(struct agent_settings *settings);

#endif
