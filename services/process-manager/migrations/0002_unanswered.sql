-- Commands without a definite answer for long show on their instances; instances that ended long ago are removed.

-- Since when an answer is wanted: when it was sent first, or again because somebody said so.
ALTER TABLE processes.commands ADD COLUMN asked_at timestamptz NOT NULL DEFAULT now();

-- Which command has had no definite answer for long, and why. It is repeated all the same.
ALTER TABLE processes.instances ADD COLUMN unanswered text;

DROP INDEX processes.instances_stuck;
CREATE INDEX instances_stuck ON processes.instances (process, tenant, instance)
    WHERE stuck IS NOT NULL OR unanswered IS NOT NULL;
CREATE INDEX instances_ended ON processes.instances (process, changed_at) WHERE phase = 'ended';
