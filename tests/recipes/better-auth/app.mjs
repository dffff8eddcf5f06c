// Better Auth's own accounts: its migrations, sign-up, sign-in, sessions and reset. The argument behind the verb is the
// directory of its packages.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

const [verb, packages] = process.argv.slice(2);
const require = createRequire(`${packages}/`);
const load = (name) => import(pathToFileURL(require.resolve(name)));
const { database: where, name, address: email, password, kept } = JSON.parse(readFileSync(0, 'utf8'));

async function connect() {
  if (where.engine === 'sqlite') return new DatabaseSync(where.path);
  const { Pool } = (await load('pg')).default;
  return new Pool({ host: where.host, port: where.port, database: where.name, user: where.user, password: where.password });
}

let token;
const { betterAuth } = await load('better-auth');
const database = await connect();
const options = {
  baseURL: 'https://app.example.org',
  database,
  emailAndPassword: { enabled: true, sendResetPassword: async (asked) => { token = asked.token; } },
  secret: 'of this test alone, and of nothing else',
  telemetry: { enabled: false },
};
const { api, $context } = betterAuth(options);

/** What a browser would send back. */
const cookies = (headers) => headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ');

const verbs = {
  async install() {
    const { getMigrations } = await load('better-auth/db/migration');
    await (await getMigrations(options)).runMigrations();
    return JSON.parse(readFileSync(`${packages}/node_modules/better-auth/package.json`)).version;
  },
  async add() {
    return (await api.signUpEmail({ body: { name, email, password } })).user.id;
  },
  async enter() {
    const answer = await api.signInEmail({ body: { email, password }, asResponse: true });
    return answer.ok ? cookies(answer.headers) : null;
  },
  async stay() {
    return (await api.getSession({ headers: new Headers({ cookie: kept }) })) !== null;
  },
  async change() {
    await api.requestPasswordReset({ body: { email } });
    return (await api.resetPassword({ body: { newPassword: password, token } })).status;
  },
};
await $context;
console.log(JSON.stringify(await verbs[verb]()));
process.exit();
