-- Times are Unix milliseconds, ids are bytes, flags are 0 and 1. No token, no code, no hash of one anywhere. Rows that
-- change have room in their page (fillfactor), so that their indexes need not change with them.
CREATE TABLE message (
    id BYTEA PRIMARY KEY,
    mac BYTEA NOT NULL,
    at BIGINT NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    tally TEXT COLLATE "C",
    outcome TEXT COLLATE "C",
    params TEXT COLLATE "C",
    reference BYTEA
);
CREATE INDEX message_at ON message (at);

-- Wrong codes: those from the place that asked, and those from everywhere else.
-- An id is never used again: a challenge whose pot was forgotten must not come into another's.
CREATE TABLE pot (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope BYTEA NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    place BYTEA NOT NULL,
    born BIGINT NOT NULL,
    until BIGINT NOT NULL,
    own_wrong BIGINT NOT NULL DEFAULT 0,
    others_wrong BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX pot_scope ON pot (scope, channel, born);
CREATE INDEX pot_until ON pot (until);

CREATE TABLE daily (
    scope BYTEA NOT NULL,
    day BIGINT NOT NULL,
    wrong BIGINT NOT NULL,
    PRIMARY KEY (scope, day)
) WITH (fillfactor = 70);
CREATE INDEX daily_day ON daily (day);

CREATE TABLE ask (
    id BYTEA PRIMARY KEY,
    at BIGINT NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    address_key BYTEA NOT NULL,
    sender BYTEA NOT NULL,
    place BYTEA NOT NULL,
    place_owned BIGINT NOT NULL,
    pot BIGINT NOT NULL,
    dialect TEXT COLLATE "C" NOT NULL,
    site TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C",
    language TEXT COLLATE "C" NOT NULL,
    request TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    ended BIGINT
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX ask_waiting ON ask (address_key, channel) WHERE state = 'waiting';
CREATE INDEX ask_queue ON ask (at) WHERE state = 'waiting';
CREATE INDEX ask_address ON ask (address_key, channel, at);
CREATE INDEX ask_at ON ask (at);

CREATE TABLE challenge (
    id BYTEA PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    address_key BYTEA NOT NULL,
    dialect TEXT COLLATE "C" NOT NULL,
    site TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C",
    place BYTEA NOT NULL,
    place_owned BIGINT NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    born BIGINT NOT NULL,
    pot BIGINT NOT NULL,
    counter BIGINT NOT NULL,
    link_life BIGINT,
    link_until BIGINT,
    code_digits BIGINT NOT NULL,
    code_life BIGINT,
    code_until BIGINT,
    code_used BIGINT NOT NULL DEFAULT 0,
    placed BIGINT NOT NULL,
    relayed BIGINT,
    sends BIGINT NOT NULL,
    last_send BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    ended BIGINT,
    held_by BYTEA,
    held_until BIGINT,
    held_revision BYTEA,
    held_digest BYTEA,
    master TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    policy_failures BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX challenge_account ON challenge (account, channel, born);
CREATE INDEX challenge_pot ON challenge (pot);
CREATE INDEX challenge_place ON challenge (place, born);
CREATE INDEX challenge_born ON challenge (born);

CREATE TABLE proof_grant (
    id BYTEA PRIMARY KEY,
    challenge BYTEA NOT NULL,
    until BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL
);
CREATE INDEX proof_grant_challenge ON proof_grant (challenge);
CREATE INDEX proof_grant_until ON proof_grant (until);

CREATE TABLE mail (
    id BYTEA PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    challenge BYTEA,
    ask BYTEA,
    account TEXT COLLATE "C" NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    language TEXT COLLATE "C" NOT NULL,
    params TEXT COLLATE "C",
    at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    reply TEXT COLLATE "C",
    ended BIGINT
) WITH (fillfactor = 70);
CREATE INDEX mail_due ON mail (next_at) WHERE state = 'waiting';
CREATE INDEX mail_ask ON mail (ask);
CREATE INDEX mail_account ON mail (account, channel, at);
CREATE INDEX mail_ended ON mail (state, ended) WHERE ended IS NOT NULL;

CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    address_key BYTEA NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C",
    request TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    device TEXT COLLATE "C"
);
CREATE INDEX audit_at ON audit (at);

-- The embedded directory.
CREATE TABLE account (
    id TEXT COLLATE "C" PRIMARY KEY,
    user_name TEXT COLLATE "C" UNIQUE,
    display_name TEXT COLLATE "C",
    email TEXT COLLATE "C",
    email_key TEXT COLLATE "C" UNIQUE,
    phone TEXT COLLATE "C" UNIQUE,
    language TEXT COLLATE "C",
    active BIGINT NOT NULL,
    second_factor BIGINT NOT NULL,
    password_hash TEXT COLLATE "C",
    counter BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE TABLE password_history (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    password_hash TEXT COLLATE "C" NOT NULL
);
CREATE INDEX password_history_account ON password_history (account, at);
