-- What processes are in the middle of. Written by process-manager only. Events that are still to be heard live beside
-- this, in the table `rows` of the schema `<process>_v1`.

CREATE SCHEMA processes;

CREATE TABLE processes.instances (
    process  text COLLATE "C" NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    instance uuid NOT NULL,
    -- State, steps, phase and timers: kernel::Instance.
    kept     jsonb NOT NULL,
    phase    text NOT NULL,
    -- Why it cannot go on by itself.
    stuck    text,
    -- It hears nothing until an operator has said what to do.
    parked   boolean NOT NULL DEFAULT false,
    -- Raised with every change; a change is made to the revision that it was computed from.
    revision bigint NOT NULL DEFAULT 0,
    -- Inputs that it has heard.
    heard    bigint NOT NULL DEFAULT 0,
    -- Of the input that it heard last.
    correlation_id uuid NOT NULL,
    causation_id   uuid,
    traceparent    text,
    begun_at   timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT instances_pkey PRIMARY KEY (process, tenant, instance),
    CONSTRAINT instances_phase_known CHECK (phase IN ('running', 'compensating', 'ended')),
    CONSTRAINT instances_parked_says_why CHECK (stuck IS NOT NULL OR NOT parked)
) WITH (fillfactor = 70);

CREATE INDEX instances_stuck ON processes.instances (process, tenant, instance) WHERE stuck IS NOT NULL;
CREATE INDEX instances_open ON processes.instances (process, phase, tenant, instance) WHERE phase <> 'ended';

-- Commands that instances want sent, and what came of them.
CREATE TABLE processes.commands (
    process  text COLLATE "C" NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    instance uuid NOT NULL,
    -- The step, or `<step>/undo`.
    key      text COLLATE "C" NOT NULL,
    context  text NOT NULL,
    name     text NOT NULL,
    -- As it is sent, each time alike.
    body     text NOT NULL,
    correlation_id uuid NOT NULL,
    causation_id   uuid,
    traceparent    text,
    attempts  integer NOT NULL DEFAULT 0,
    -- When it is sent next; of one that is on its way, when it counts as lost.
    next_at   timestamptz NOT NULL DEFAULT now(),
    -- It is on its way. Found so when it is sent next, nobody knows what came of it.
    on_its_way boolean NOT NULL DEFAULT false,
    -- Why the last attempt settled nothing.
    trouble   text,
    -- The outcome of an attempt was not known: not, news to the instance, or told.
    doubt     text NOT NULL DEFAULT 'none',
    -- The definite outcome: kernel::Reply.
    reply     jsonb,
    -- The last event that it recorded.
    event_id  uuid,
    -- When the instance came to have something to hear.
    noted_at  timestamptz,
    -- The instance has taken the reply in.
    heard     boolean NOT NULL DEFAULT false,
    news      boolean GENERATED ALWAYS AS ((reply IS NOT NULL AND NOT heard) OR (reply IS NULL AND doubt = 'news')) STORED,
    CONSTRAINT commands_pkey PRIMARY KEY (process, tenant, instance, key),
    CONSTRAINT commands_doubt_known CHECK (doubt IN ('none', 'news', 'told')),
    CONSTRAINT commands_instance_fkey FOREIGN KEY (process, tenant, instance)
        REFERENCES processes.instances (process, tenant, instance) ON DELETE CASCADE
) WITH (fillfactor = 70);

CREATE INDEX commands_due ON processes.commands (next_at) WHERE reply IS NULL;
CREATE INDEX commands_news ON processes.commands (process, noted_at) WHERE news;

CREATE TABLE processes.timers (
    process  text COLLATE "C" NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    instance uuid NOT NULL,
    name     text COLLATE "C" NOT NULL,
    at       timestamptz NOT NULL,
    CONSTRAINT timers_pkey PRIMARY KEY (process, tenant, instance, name),
    CONSTRAINT timers_instance_fkey FOREIGN KEY (process, tenant, instance)
        REFERENCES processes.instances (process, tenant, instance) ON DELETE CASCADE
);

CREATE INDEX timers_due ON processes.timers (process, at);

-- What each instance heard, and when: for people.
CREATE TABLE processes.history (
    process  text COLLATE "C" NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    instance uuid NOT NULL,
    number   bigint NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    what     text NOT NULL,
    CONSTRAINT history_pkey PRIMARY KEY (process, tenant, instance, number),
    CONSTRAINT history_instance_fkey FOREIGN KEY (process, tenant, instance)
        REFERENCES processes.instances (process, tenant, instance) ON DELETE CASCADE
);

-- What operators did, who and why. Outlives the instances.
CREATE TABLE processes.audit (
    number   bigint GENERATED ALWAYS AS IDENTITY,
    at       timestamptz NOT NULL DEFAULT now(),
    process  text COLLATE "C" NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    instance uuid NOT NULL,
    action   text NOT NULL,
    actor    text NOT NULL,
    reason   text NOT NULL,
    -- What it was stuck on.
    stuck    text,
    CONSTRAINT audit_pkey PRIMARY KEY (number),
    CONSTRAINT audit_action_known CHECK (action IN ('retry', 'skip', 'compensate'))
);

CREATE INDEX audit_instance ON processes.audit (process, tenant, instance);
