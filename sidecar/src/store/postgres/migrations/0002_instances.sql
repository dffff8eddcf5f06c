-- Several instances on one store: asks are leased, holds know their run, instances and keys are told of, limits are kept.
ALTER TABLE ask ADD COLUMN leased BIGINT NOT NULL DEFAULT 0;
-- When it is its turn: senders that ask much come later. With its MAC an ask is its own message.
ALTER TABLE ask ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ask ADD COLUMN mac BYTEA;
CREATE INDEX ask_turn ON ask (turn) WHERE state = 'waiting';

-- Given back by the message that holds it.
CREATE INDEX challenge_held ON challenge (held_by) WHERE state = 'held';
ALTER TABLE challenge ADD COLUMN held_run BYTEA;

-- When each budget is whole again (GCRA's theoretical arrival time).
CREATE TABLE budget (
    key BYTEA PRIMARY KEY,
    tat BIGINT NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX budget_tat ON budget (tat);

CREATE TABLE instance (
    id BYTEA PRIMARY KEY,
    seen BIGINT NOT NULL,
    holds TEXT COLLATE "C" NOT NULL
);

CREATE TABLE key_state (
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Addresses that a relay said do not exist.
CREATE TABLE suppressed_address (
    address_key BYTEA NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (address_key, channel)
);
CREATE INDEX suppressed_address_at ON suppressed_address (at);

CREATE INDEX mail_challenge ON mail (challenge) WHERE state = 'waiting';

-- For who is to be forgotten.
CREATE INDEX audit_account ON audit (account);
CREATE INDEX audit_address ON audit (address_key);
