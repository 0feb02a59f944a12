-- Sealed preshared keys, versions of policies, and where a cache's content comes from. What they mean stands in
-- store/schema.sql.
ALTER TABLE policy ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE default_rule_authentication ADD COLUMN psk_key TEXT;
ALTER TABLE rule_authentication ADD COLUMN psk_key TEXT;

CREATE TABLE origin (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  location TEXT NOT NULL,
  version TEXT NOT NULL,
  read_at INTEGER NOT NULL
) STRICT;
