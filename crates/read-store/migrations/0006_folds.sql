-- What folded a build, beside the version of its code: a fold that changed while its version did not is another.

ALTER TABLE projection_versions
    -- The fingerprint of the fold, 16 hexadecimal digits; null where it is not known.
    ADD COLUMN fold text COLLATE "C",
    ADD CONSTRAINT projection_versions_fold_is_a_fingerprint CHECK (fold ~ '^[0-9a-f]{16}$');
