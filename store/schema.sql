-- The tables of a policy store, schema version 2, as all migrations together make them (a test compares the two).
-- The version is PRAGMA user_version; PRAGMA application_id 0x49505350 ("IPSP") marks the file as a policy store.
-- Texts of enumerations are those of the JSON form. Rows keep the order in which they were added by their number.
-- Links are checked at the end of a transaction. Preshared keys are sealed (psk_key names the key), except in a central store whose hosts
-- have no key in common. The folded names of an older schema are made anew.

-- One row. change_counter grows with every committed change: readers watch it.
CREATE TABLE store_state (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  change_counter INTEGER NOT NULL,
  assigned_policy INTEGER REFERENCES policy (number) DEFERRABLE INITIALLY DEFERRED
) STRICT;

-- A policy with its ISAKMP policy and the header of its default response rule.
CREATE TABLE policy (
  number INTEGER PRIMARY KEY,
  guid TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  folded_name TEXT NOT NULL UNIQUE,        -- name as it is compared
  description TEXT NOT NULL,
  last_modified INTEGER NOT NULL,          -- UTC seconds since 1970
  profile TEXT NOT NULL,
  polling_interval_minutes INTEGER NOT NULL,
  isakmp_guid TEXT NOT NULL UNIQUE,
  main_mode_lifetime_minutes INTEGER NOT NULL,
  quick_mode_limit INTEGER NOT NULL,
  master_pfs INTEGER NOT NULL,
  default_rule_guid TEXT NOT NULL UNIQUE,
  default_rule_active INTEGER NOT NULL,
  default_rule_quick_mode_pfs INTEGER NOT NULL,
  version INTEGER NOT NULL DEFAULT 1       -- grows with every change of the policy or of what its rules use
) STRICT;

CREATE TABLE main_mode_offer (
  policy INTEGER NOT NULL REFERENCES policy (number) ON DELETE CASCADE,
  place INTEGER NOT NULL,                  -- order of preference from 0, here and below
  cipher TEXT NOT NULL,
  integrity TEXT NOT NULL,
  dh_group TEXT NOT NULL,
  PRIMARY KEY (policy, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE default_rule_offer (
  owner INTEGER NOT NULL REFERENCES policy (number) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  ah TEXT,                                 -- null: no AH
  esp_cipher TEXT,                         -- both null: no ESP
  esp_integrity TEXT,
  lifetime_kilobytes INTEGER NOT NULL,
  lifetime_seconds INTEGER NOT NULL,
  PRIMARY KEY (owner, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE default_rule_authentication (
  owner INTEGER NOT NULL REFERENCES policy (number) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  method TEXT NOT NULL,                    -- kerberos, psk, certificate
  psk BLOB,                                -- psk only: nonce, sealed key and tag; or the key itself
  root_ca TEXT,                            -- certificate only, also the next two
  map_to_account INTEGER,
  exclude_ca_name INTEGER,
  psk_key TEXT,                            -- id of the key that psk is sealed with; null: psk is the key itself
  PRIMARY KEY (owner, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE filter_list (
  number INTEGER PRIMARY KEY,
  guid TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  folded_name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  last_modified INTEGER NOT NULL
) STRICT;

CREATE TABLE filter (
  number INTEGER PRIMARY KEY,
  guid TEXT NOT NULL UNIQUE,
  filter_list INTEGER NOT NULL REFERENCES filter_list (number) ON DELETE CASCADE,
  description TEXT NOT NULL,
  source TEXT NOT NULL,                    -- keyword, address, address/length, first-last; or the DNS name
  source_is_name INTEGER NOT NULL,         -- 1: a DNS name
  destination TEXT NOT NULL,
  destination_is_name INTEGER NOT NULL,
  protocol INTEGER NOT NULL,
  source_port INTEGER NOT NULL,
  destination_port INTEGER NOT NULL,
  mirrored INTEGER NOT NULL
) STRICT;
CREATE INDEX filter_of_list ON filter (filter_list);

-- The addresses of a filter's DNS names at the time it was added.
CREATE TABLE resolved_address (
  filter INTEGER NOT NULL REFERENCES filter (number) ON DELETE CASCADE,
  is_source INTEGER NOT NULL,
  place INTEGER NOT NULL,
  address TEXT NOT NULL,
  PRIMARY KEY (filter, is_source, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE filter_action (
  number INTEGER PRIMARY KEY,
  guid TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  folded_name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  last_modified INTEGER NOT NULL,
  action TEXT NOT NULL,
  quick_mode_pfs INTEGER NOT NULL,
  pfs_group TEXT NOT NULL,                 -- none: that of main mode
  inbound_passthrough INTEGER NOT NULL,
  allow_soft INTEGER NOT NULL
) STRICT;

CREATE TABLE filter_action_offer (
  owner INTEGER NOT NULL REFERENCES filter_action (number) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  ah TEXT,
  esp_cipher TEXT,
  esp_integrity TEXT,
  lifetime_kilobytes INTEGER NOT NULL,
  lifetime_seconds INTEGER NOT NULL,
  PRIMARY KEY (owner, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE rule (
  number INTEGER PRIMARY KEY,
  guid TEXT NOT NULL UNIQUE,
  policy INTEGER NOT NULL REFERENCES policy (number) ON DELETE CASCADE,
  name TEXT NOT NULL,
  folded_name TEXT NOT NULL,
  description TEXT NOT NULL,
  last_modified INTEGER NOT NULL,
  filter_list INTEGER NOT NULL REFERENCES filter_list (number) DEFERRABLE INITIALLY DEFERRED,
  filter_action INTEGER NOT NULL REFERENCES filter_action (number) DEFERRABLE INITIALLY DEFERRED,
  tunnel_endpoint TEXT,                    -- null: transport mode
  connection_type TEXT NOT NULL,
  active INTEGER NOT NULL,
  UNIQUE (policy, folded_name)
) STRICT;
CREATE INDEX rule_of_filter_list ON rule (filter_list);
CREATE INDEX rule_of_filter_action ON rule (filter_action);

CREATE TABLE rule_authentication (
  owner INTEGER NOT NULL REFERENCES rule (number) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  method TEXT NOT NULL,
  psk BLOB,
  root_ca TEXT,
  map_to_account INTEGER,
  exclude_ca_name INTEGER,
  psk_key TEXT,                            -- id of the key that psk is sealed with; null: psk is the key itself
  PRIMARY KEY (owner, place)
) STRICT, WITHOUT ROWID;

-- In a cache: of which central store its content is a copy, and as of which version of it. One row, or none.
CREATE TABLE origin (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  location TEXT NOT NULL,
  version TEXT NOT NULL,
  read_at INTEGER NOT NULL                 -- UTC seconds since 1970
) STRICT;

INSERT INTO store_state (only_row, change_counter) VALUES (1, 0);
