-- Everything lives in a schema of its own, so that the registry can share a database with whatever is there.
CREATE TABLE registry.schemas (
    id   integer NOT NULL,
    -- SHA-256 of the normalised text: an index cannot hold a long text.
    hash bytea NOT NULL,
    text text NOT NULL,
    CONSTRAINT schemas_pk PRIMARY KEY (id),
    CONSTRAINT schemas_hash_key UNIQUE (hash),
    CONSTRAINT schemas_id_positive CHECK (id > 0),
    CONSTRAINT schemas_hash_is_sha256 CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE registry.schemas IS 'Each schema once, under the id that stands in front of record values. Never changed, never removed.';

CREATE TABLE registry.versions (
    subject   text COLLATE "C" NOT NULL,
    version   integer NOT NULL,
    schema_id integer NOT NULL,
    CONSTRAINT versions_pk PRIMARY KEY (subject, version),
    CONSTRAINT versions_subject_schema_key UNIQUE (subject, schema_id),
    CONSTRAINT versions_schema_fk FOREIGN KEY (schema_id) REFERENCES registry.schemas (id),
    CONSTRAINT versions_version_positive CHECK (version > 0)
);
CREATE INDEX versions_schema_index ON registry.versions (schema_id);
COMMENT ON TABLE registry.versions IS 'The versions of each subject, from 1 without holes.';

CREATE TABLE registry.levels (
    -- The empty subject stands for all that have no level of their own.
    subject text COLLATE "C" NOT NULL,
    level   text NOT NULL,
    CONSTRAINT levels_pk PRIMARY KEY (subject)
);
COMMENT ON TABLE registry.levels IS 'What new versions must be compatible with.';
