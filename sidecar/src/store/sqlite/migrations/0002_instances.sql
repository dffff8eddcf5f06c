-- Several instances on one store: asks are leased, holds know their run, instances and keys are told of, limits are kept.
ALTER TABLE ask ADD COLUMN leased INTEGER NOT NULL DEFAULT 0;
-- When it is its turn: senders that ask much come later. With its MAC an ask is its own message.
ALTER TABLE ask ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ask ADD COLUMN mac BLOB;
CREATE INDEX ask_turn ON ask (turn) WHERE state = 'waiting';

-- Given back by the message that holds it.
CREATE INDEX challenge_held ON challenge (held_by) WHERE state = 'held';
ALTER TABLE challenge ADD COLUMN held_run BLOB;

-- When each budget is whole again (GCRA's theoretical arrival time).
CREATE TABLE budget (
    key BLOB PRIMARY KEY,
    tat INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX budget_tat ON budget (tat);

CREATE TABLE instance (
    id BLOB PRIMARY KEY,
    seen INTEGER NOT NULL,
    holds TEXT NOT NULL
);

CREATE TABLE key_state (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Addresses that a relay said do not exist.
CREATE TABLE suppressed_address (
    address_key BLOB NOT NULL,
    channel TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (address_key, channel)
);
CREATE INDEX suppressed_address_at ON suppressed_address (at);

CREATE INDEX mail_challenge ON mail (challenge) WHERE state = 'waiting';

-- For who is to be forgotten.
CREATE INDEX audit_account ON audit (account);
CREATE INDEX audit_address ON audit (address_key);
