-- What a confirm that writes elsewhere announced before it wrote: with `held_revision` and `held_digest`, all that its end
-- needs, whoever ends it. No secret.
ALTER TABLE challenge ADD COLUMN held_words TEXT;
CREATE INDEX challenge_announced ON challenge (held_until) WHERE held_revision IS NOT NULL;

-- All challenges of a mail to a mailbox that several accounts share, in its order.
CREATE TABLE mail_part (
    mail BYTEA NOT NULL,
    place BIGINT NOT NULL,
    challenge BYTEA NOT NULL,
    PRIMARY KEY (mail, place)
);
CREATE INDEX mail_part_challenge ON mail_part (challenge);

-- What is told to the team's own systems, in order for each account, until they say that they have it.
CREATE TABLE event (
    place BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    params TEXT NOT NULL,
    at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    next_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    reply TEXT,
    ended BIGINT
);
CREATE INDEX event_due ON event (next_at) WHERE state = 'waiting';
CREATE INDEX event_account ON event (target, account, place) WHERE state = 'waiting';
CREATE INDEX event_noted ON event (place) WHERE state = 'noted';
CREATE INDEX event_ended ON event (ended) WHERE ended IS NOT NULL;
