-- How many lanes of a build are fed at once.

ALTER TABLE projection_versions
    -- Most lanes that each projector feeds at once until they have caught up; null for no bound.
    ADD COLUMN parallel integer,
    ADD CONSTRAINT projection_versions_parallel_positive CHECK (parallel > 0);
