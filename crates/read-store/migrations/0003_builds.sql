-- Several builds of one version of a view, side by side. `version` counts the builds of a view, whatever the version of
-- the code that folds them; the first build of a view has the number of its code.

ALTER TABLE projection_versions
    -- The VERSION of the code that folds the rows; null where it is the build's own number.
    ADD COLUMN code integer,
    -- Most events a second while it is built; null for no bound.
    ADD COLUMN throttle integer,
    -- Why it was given up.
    ADD COLUMN trouble text,
    ADD CONSTRAINT projection_versions_throttle_positive CHECK (throttle > 0),
    DROP CONSTRAINT projection_versions_state_known,
    -- failed: its rows are not the fold of the log, and are never read.
    ADD CONSTRAINT projection_versions_state_known
        CHECK (state IN ('building', 'serving', 'retained', 'failed'));

ALTER TABLE checkpoints
    -- The lane has come to the end of its topic once, and what it had there was found right where that is checked.
    ADD COLUMN caught_up boolean NOT NULL DEFAULT false;
