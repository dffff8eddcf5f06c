// Hashes by Better Auth's own hashPassword and verifyPassword. The argument behind the verb is target/openldap; its packages
// lie beside it, in target/apps.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';

const [verb, beside] = process.argv.slice(2);
const require = createRequire(`${dirname(beside)}/apps/`);
const { hashPassword, verifyPassword } = await import(pathToFileURL(require.resolve('better-auth/crypto')));

const verbs = {
  make: (how, password) => hashPassword(password),
  check: (hash, password) => verifyPassword({ hash, password }),
};
const asked = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(await Promise.all(asked.map((one) => verbs[verb](...one)))));
