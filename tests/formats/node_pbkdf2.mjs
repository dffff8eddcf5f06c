// PBKDF2 by Node's crypto, salt and hash in hexadecimal, as they stand in two columns: here in one text.
import { pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';

const lengths = { sha256: 32, sha512: 64 };
const tag = (password, salt, rounds, digest) => pbkdf2Sync(password, salt, rounds, lengths[digest], digest).toString('hex');

const verbs = {
  make(digest, password) {
    const salt = randomBytes(16).toString('hex');
    return `$pbkdf2-${digest}-hex$i=210000$${salt}$${tag(password, salt, 210000, digest)}`;
  },
  check(hash, password) {
    const [, name, rounds, salt, stored] = hash.split('$');
    const found = tag(password, salt, Number(rounds.slice(2)), name.split('-')[1]);
    return timingSafeEqual(Buffer.from(stored), Buffer.from(found));
  },
};
const asked = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(asked.map((one) => verbs[process.argv[2]](...one))));
