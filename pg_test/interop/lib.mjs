// What the interop tests share: throwaway databases, the real Better Auth and ours behind one
// interface, and the comparison of what both answer and store.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { basename } from 'node:path';
import { after } from 'node:test';
import pg from 'pg';

// Better Auth reads both when it is imported, and drops checks in a test environment.
process.env.NODE_ENV = 'production';
delete process.env.TEST;
const { betterAuth } = await import('better-auth');
const { getMigrations } = await import('better-auth/db/migration');

export const SECRET = 'interop-cookie-secret-of-the-real-better-auth';
export const BASE_URL = 'http://127.0.0.1:3999';
export const PASSWORD = 'correct horse battery';
export const TABLES = ['user', 'session', 'account', 'verification'];

// ── Databases ────────────────────────────────────────────────────────────────────────────────────

const label = basename(process.argv[1] ?? 'interop').replace(/\W+/g, '_').slice(0, 20);
let created = 0;

/** A database of its own, dropped when the test file ends. Its connections look into schema better_auth first. */
export async function createDatabase() {
  const name = `${label}_${process.pid}_${++created}`;
  const admin = (statement) => withClient({}, (client) => client.query(statement));
  await admin(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const database = {
    name,
    pool: openPool(name),
    /** Rows of one statement. */
    async sql(text, values) {
      return (await database.pool.query(text, values)).rows;
    },
    /** The only value of one statement. */
    async value(text, values) {
      const rows = await database.sql(text, values);
      assert.equal(rows.length, 1, `one row expected: ${text}`);
      return Object.values(rows[0])[0];
    },
    /** Runs `work` with one connection, for what spans statements. */
    connection: (work) => withClient({ database: name, options: SEARCH_PATH }, work),
    /** Replaces the database's settings `better_auth.*`, and the connections that had the old ones. */
    async configure(settings) {
      await admin(`ALTER DATABASE ${name} RESET ALL`);
      for (const [setting, value] of Object.entries(settings)) {
        await admin(`ALTER DATABASE ${name} SET better_auth.${setting} = ${pg.escapeLiteral(String(value))}`);
      }
      await database.pool.end();
      database.pool = openPool(name);
    },
  };
  after(async () => {
    await database.pool.end();
    await admin(`DROP DATABASE ${name}`); // waits for the connections that are just closing
  });
  return database;
}

const SEARCH_PATH = '-c search_path=better_auth,public';

function openPool(database) {
  return new pg.Pool({ database, options: SEARCH_PATH, max: 5 });
}

async function withClient(config, work) {
  const client = new pg.Client(config);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A database with this extension, which makes Better Auth's tables. */
export async function createExtensionDatabase() {
  const database = await createDatabase();
  await database.sql('CREATE EXTENSION better_auth');
  return database;
}

/** A database with the tables as the real `better-auth migrate` makes them, without this extension. */
export async function createRealDatabase(options = {}) {
  const database = await createDatabase();
  await database.sql('CREATE SCHEMA better_auth');
  await realMigrate(database, options);
  return database;
}

// ── The real Better Auth ─────────────────────────────────────────────────────────────────────────

const MERGED = ['emailAndPassword', 'session', 'advanced'];

function realOptions(database, options = {}) {
  const merged = {
    database: database.pool,
    secret: SECRET,
    baseURL: BASE_URL,
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    telemetry: { enabled: false },
    ...options,
  };
  for (const key of MERGED) {
    if (options[key]) merged[key] = { ...(key === 'emailAndPassword' ? { enabled: true } : {}), ...options[key] };
  }
  return merged;
}

/** What the real `better-auth migrate` would do, as `table` or `table.column`, and what it warns of. */
export async function realPlan(database, options) {
  const warnings = [];
  const logger = { level: 'warn', log: (level, message) => warnings.push(`${level}: ${message}`) };
  const { toBeCreated, toBeAdded, runMigrations } = await getMigrations({ ...realOptions(database, options), logger });
  const fields = (tables) => tables.flatMap(({ table, fields }) => Object.keys(fields).map((field) => `${table}.${field}`));
  return { created: toBeCreated.map(({ table }) => table), added: fields(toBeAdded), warnings, run: runMigrations };
}

/** Runs the real `better-auth migrate`, and makes sure that it is content afterwards. */
export async function realMigrate(database, options) {
  const plan = await realPlan(database, options);
  await plan.run();
  const { created, added } = await realPlan(database, options);
  assert.deepEqual({ created, added }, { created: [], added: [] }, 'the real migrate is done');
  return plan;
}

/** The value of Better Auth's signed cookies. */
export function signCookie(value, secret = SECRET) {
  const signature = createHmac('sha256', secret).update(value).digest('base64');
  return encodeURIComponent(`${value}.${signature}`);
}

/** Each operation: its route in Better Auth, its SQL function here, and the arguments without default. */
const OPERATIONS = {
  signUp: ['POST', '/sign-up/email', 'sign_up_email', ['email', 'password', 'name']],
  signIn: ['POST', '/sign-in/email', 'sign_in_email', ['email', 'password']],
  signOut: ['POST', '/sign-out', 'sign_out', ['session_token']],
  getSession: ['GET', '/get-session', 'get_session', ['session_token']],
  listSessions: ['GET', '/list-sessions', 'list_sessions', ['session_token']],
  revokeSession: ['POST', '/revoke-session', 'revoke_session', ['session_token', 'token']],
  revokeSessions: ['POST', '/revoke-sessions', 'revoke_sessions', ['session_token']],
  revokeOtherSessions: ['POST', '/revoke-other-sessions', 'revoke_other_sessions', ['session_token']],
};

/**
 * The real Better Auth on a database. `call(operation, body, by)` answers `{ok}` or
 * `{error: {message, code, status}}`. `by` says who calls: `{token, unremembered, ip, agent}`.
 */
export function realAuth(database, options) {
  const auth = betterAuth(realOptions(database, options));
  return {
    auth,
    database,
    async call(operation, body = {}, by = {}) {
      const [method, path] = OPERATIONS[operation];
      const cookies = [];
      if (by.token !== undefined) cookies.push(`better-auth.session_token=${signCookie(by.token)}`);
      if (by.unremembered) cookies.push(`better-auth.dont_remember=${signCookie('true')}`);
      const headers = { origin: BASE_URL };
      if (cookies.length > 0) headers.cookie = cookies.join('; ');
      if (by.ip !== undefined) headers['x-forwarded-for'] = by.ip;
      if (by.agent !== undefined) headers['user-agent'] = by.agent;
      if (method === 'POST') headers['content-type'] = 'application/json';
      const request = { method, headers, body: method === 'POST' ? JSON.stringify(body) : undefined };
      const response = await auth.handler(new Request(`${BASE_URL}/api/auth${path}`, request));
      const text = await response.text();
      const answer = text === '' ? null : JSON.parse(text);
      const cookie = response.headers.getSetCookie();
      return response.ok ? { ok: answer, cookie } : { error: { ...answer, status: response.status }, cookie };
    },
  };
}

// ── Ours ─────────────────────────────────────────────────────────────────────────────────────────

/** SQLSTATE of every code that SQL callers get, by its class in the design: 28P01 wrong credentials, … */
const SQLSTATES = {
  BANNED_USER: '42501',
  EMAIL_NOT_VERIFIED: '42501',
  EMAIL_PASSWORD_DISABLED: '55000',
  EMAIL_PASSWORD_SIGN_UP_DISABLED: '55000',
  FAILED_TO_CREATE_USER: '22023',
  INVALID_EMAIL: '22023',
  INVALID_EMAIL_OR_PASSWORD: '28P01',
  INVALID_TOKEN: '28000',
  PASSWORD_TOO_LONG: '22023',
  PASSWORD_TOO_SHORT: '22023',
  SESSION_NOT_FRESH: '42501',
  TOKEN_EXPIRED: '28000',
  UNAUTHORIZED: '28000',
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: '23505',
  VALIDATION_ERROR: '22023',
};

const snake = (name) => name.replace(/[A-Z]+/g, (capitals) => `_${capitals.toLowerCase()}`);

/** Runs a SQL function by named arguments; `{ok}` or `{error: {message, code, sqlstate}}`. */
export async function callFunction(database, name, args = {}) {
  const names = Object.keys(args);
  const list = names.map((argument, index) => `${argument} => $${index + 1}`).join(', ');
  try {
    const result = await database.pool.query(`SELECT better_auth.${name}(${list}) AS answer`, Object.values(args));
    return { ok: result.rows[0].answer };
  } catch (error) {
    const { message, detail, code: sqlstate } = error;
    const isAnswer = error instanceof pg.DatabaseError && sqlstate !== '42883'; // no such function: a mistake in a test
    if (!isAnswer) throw error;
    if (/^[A-Z_]+$/.test(detail ?? '')) assert.equal(sqlstate, SQLSTATES[detail], `SQLSTATE of ${detail}`);
    return { error: { message, code: detail, sqlstate } };
  }
}

/** This extension on a database, with the interface of `realAuth`. */
export function ourAuth(database) {
  return {
    database,
    async call(operation, body = {}, by = {}) {
      const [, , name, required] = OPERATIONS[operation];
      const args = Object.fromEntries(required.map((argument) => [argument, null]));
      for (const [field, value] of Object.entries(body)) args[snake(field)] = value;
      if ('session_token' in args) args.session_token = by.token ?? null;
      if (by.unremembered) args.disable_refresh = true;
      if (by.ip !== undefined) args.ip_address = by.ip;
      if (by.agent !== undefined) args.user_agent = by.agent;
      return callFunction(database, name, args);
    },
  };
}

// ── Comparison ───────────────────────────────────────────────────────────────────────────────────

/** Every known difference, with the reason. Each has a test that it is there. */
export const DIFFERENCES = {
  registeredTwice: 'The id of a credential that is there already isn’t registered again here, whoever brings it; Better Auth keeps both, and signs in whichever the database finds first.',
  usedStep: 'A code of an authenticator app is good once here; Better Auth takes it as often as it comes until it has run out.',
  longSlug: 'Slugs over 2,048 bytes are refused here; Better Auth takes what the index happens to take.',
  nothingToChange: 'A change of nothing answers with the organization as it is here; Better Auth’s statement fails, and it answers 500.',
  oddPages: 'Numbers of rows that are none, and fields, operators and values that nothing can be filtered or sorted by, are refused here with VALIDATION_ERROR; in Better Auth the statement fails, and it answers 500.',
  nullRole: 'An invitation without a role, which only SQL makes, is shown to admins here; Better Auth answers 500.',
  metadataDates: 'What organization/update answers as metadata is what was stored here, also where that is no JSON; Better Auth makes another text of dates in it, and answers 500 to what is no JSON.',
  race: 'Who loses a race for an email gets USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL here, which is true; Better Auth says FAILED_TO_CREATE_USER.',
  uncapped: 'Lists, and revoking other sessions, are complete here; Better Auth stops at 100 rows.',
  customSessionPost: 'With custom-session on, POST /get-session goes on here; Better Auth has no such route then, so nothing prolongs a session under deferSessionRefresh.',
  customSessionText: 'What a custom-session function answers is JSON here, whatever it is; Better Auth sends a text as text/plain.',
  hookUndone: 'What a hook refuses is undone here, the refresh of a session too; in Better Auth that stays.',
  reference: 'The page of open-api is one of ours, which loads nothing and runs no script; Better Auth’s loads Scalar from a CDN.',
  keyOrder: 'SQL functions return jsonb, which orders keys itself; Better Auth keeps declared order, id last.',
  longRole: 'Names of roles over 2,048 bytes are refused here; Better Auth takes what the index happens to take.',
  longEmail: 'Emails over 2,048 bytes are refused here; Better Auth takes what the index happens to take.',
  brokenHash: 'A stored hash in an unknown form is a wrong password here; Better Auth answers 500.',
  pluginDefaults: 'What a plugin of Better Auth writes of its own for a new user (the role of admin, the method of lastLoginMethod) is left to the column default here.',
  farDates: 'A date after the year 9999 is null here; Better Auth gives +010000-01-01T00:00:00.000Z.',
  untrustedCallback: 'sign_in_email gives back whatever callback_url it is given: a SQL caller has no origin to judge it by. Better Auth answers INVALID_CALLBACK_URL.',
  bounds: 'Bodies over 1 MiB (413), headers over 64 KiB together (431), URLs over 16 KiB (414) and texts over 64 KiB (VALIDATION_ERROR) are refused here; Better Auth has no limits of its own.',
  nul: 'A text with NUL, which PostgreSQL doesn’t store, is refused here with VALIDATION_ERROR, and is no OAuth state; Better Auth answers 500 or what else its failed statement leads to.',
  nameNull: 'update-user with name null is refused here; Better Auth answers 500.',
  nameType: 'update-user refuses a name or image that is no text; Better Auth stores its text form.',
  emailTokens: 'verify-email takes only tokens of the form that Better Auth’s mails have, so that none passes that was made for something else under the same secret. Better Auth believes some others and fails with 500 at the rest, as it does where the new email was taken meanwhile: USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL here.',
  cachedWrites: 'What writes or shows sessions, and verify-email, don’t believe the cookie cache here, so a revoked session can do nothing; Better Auth does in update-user, update-session, unlink-account, list-sessions, verify-email and the routes of organization.',
  cacheForm: 'A cached session of another form than Better Auth’s is not believed here: a JWT without exp, or one with something after its end. Of a user without image, that is null.',
  foreignDeleteToken: 'Another user’s attempt doesn’t use a deletion token up here.',
  expiredOthers: 'revoke-other-sessions also deletes sessions that have expired here; Better Auth leaves them.',
  jsonNumbers: 'Numbers beyond a double, and nesting beyond 127, are invalid JSON here; JavaScript makes the one Infinity, and nests as deep as its stack.',
  emptyArray: 'An empty array for the password of a sign-up is one issue here; zod adds that it is too small.',
  controlCharacters: 'A callbackURL that is no text, has control characters, or the scheme javascript, data or vbscript is refused here whatever the settings say; Better Auth’s parser drops such characters, and it checks nothing under disableOriginCheck.',
  leavingPaths: 'A path that without its dots begins with two slashes (/..//elsewhere.example) is refused here as a callbackURL; Better Auth answers with what is left, which leads to another server.',
  settledUrls: 'Where readers of URLs differ (dots, backslashes, a scheme in capitals), the one reading that was checked is what is sent here; Better Auth sends the text that came.',
  bothForms: 'Where cookies are of the domain, the one of the host alone is taken back too if it may be there: a browser that has both sends both. Better Auth leaves it, and reads it first.',
  storedCapitals: 'An email that was stored with capitals, by an import, is found here where one user has it; Better Auth finds it for nobody.',
  ports: 'A port, brackets, quotes and the name of a link around an address are passed over here; Better Auth takes all such clients for one.',
  apiKeySort: 'A field to sort API keys by that there isn’t is refused here with VALIDATION_ERROR; in Better Auth the statement fails, and it answers 500.',
  apiKeyOwner: 'A key whose owner is banned or gone is refused here before it counts as used; Better Auth looks at the owner afterwards, and at a ban not at all.',
  apiKeyLegacy: 'Metadata of a key that an old release stored as JSON in JSON is read as Better Auth reads it, and stays as it is; Better Auth writes it anew.',
  apiKeyTimes: 'How long a key has to rest is in milliseconds, which differ from run to run.',
  deviceBounds: 'A client id and a user id have 255 bytes at most, a scope 2 KiB: anybody may ask for device codes, and the rows stay for a while. Better Auth has no bound.',
  unprovenReset: 'A reset by a code proves the address: of a user who had not, all sessions and accounts from before go, as at a sign-in by a code; Better Auth keeps the sessions of whoever signed up with it before.',
  decoy: 'Where a code is asked for that nobody is to get (no such user, a taken address), its row stays here, so that wrong guesses are answered as for others, TOO_MANY_ATTEMPTS in the end; Better Auth deletes it, and guesses tell that there is no user.',
  expiredSession: 'A one-time token of a session that has expired sets no cookie here; Better Auth refuses it too, but sets the cookie first.',
  brokenCode: 'A stored code that can’t be decrypted is a wrong one here; Better Auth answers 500.',
  floor: 'send-verification-email answers as soon as it can here: nothing is sent while the caller waits. Better Auth takes half a second at least.',
  rateLimitKeys: 'Requests that differ in a token, or lead nowhere, count as one for the rate limit here; Better Auth counts each path by itself, so its table fills up with them.',
  fieldType: 'A field of a plugin’s of another JSON type than its column’s is refused here; Better Auth stores its text form, or fails.',
  anonymousCookie: 'Who signs in with the cookie of a session that is gone keeps the new cookie here; with its anonymous plugin, Better Auth takes it back in the same answer.',
  givenUpNumber: 'A number that is given up is never a verified one here; where its username plugin is on too, Better Auth stores what an administrator says.',
  sameName: 'An administrator may give a user the name that the user has here; Better Auth looks whether the administrator has it.',
  longNumber: 'Phone numbers over 2,048 bytes are refused here; Better Auth takes what the index happens to take.',
  immutableNull: 'A username that is immutable can’t be taken away by null either here; Better Auth lets it go, and then takes another one.',
  orphanedTokens: 'A reset ends all other reset tokens of the user here; Better Auth lets them live on.',
  expoState: 'What the proxy of expo signs is of the form of an OAuth state here, and no session’s token; Better Auth signs any text with the secret that signs tokens of mails and cached sessions too.',
  bannedAdmin: 'An admin whom somebody banned by SQL gets BANNED_USER from the admin routes here; Better Auth lets the session go on.',
  givenId: 'create-user refuses an id here, which may still stand for somebody who is gone; Better Auth makes the user under it.',
  javascriptNames: 'Roles and resources with names of JavaScript’s own, such as constructor, are unknown ones here; Better Auth answers 500.',
  adminTypes: 'create-user and update-user take of each field its own type here; Better Auth stores what PostgreSQL makes of others, or answers 500.',
  banEnds: 'A ban ends between the years 2000 and 9999 here; Better Auth writes later years in another form, or answers 500.',
  pretendedRole: 'The answer to a sign-up that must not tell that the email is taken shows the role of a new user here; Better Auth’s shows null.',
  userPages: 'list-users gives 1,000 users at most here, and says so in limit; Better Auth gives as many as are asked for.',
  notAnObject: 'With username or phone-number on, a body of sign-up or update-user that is no object is the VALIDATION_ERROR here that it is otherwise; hooks of Better Auth answer 500.',
  signedOutByAnonymous: 'With anonymous on, who signs in while the session that was there ends by that (as multi-session has it for the same user, or a proof of an email that was not verified) is signed in here; Better Auth takes the new cookies back.',
  moreThanItsKey: 'A request in its user’s name by an API key makes and changes no keys here, and its session isn’t fresh; in Better Auth it does all that a session may.',
  alreadyMember: 'Who is a member of an organization gets USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION from accept-invitation here; Better Auth makes a second membership.',
  rolesAbove: 'Whoever is no owner gives no role here that allows more than the own ones, nor by an invitation that was made when they allowed more; Better Auth keeps the owner’s role alone.',
  inviterLeft: 'An invitation is worth nothing here once its inviter is no member any more, or, where it makes an owner, is none any more; Better Auth lets it be accepted.',
  acceptedCache: 'With the cookie cache on, get-session shows the organization of an invitation once that is accepted here; Better Auth shows the one before while that is cached.',
  surrogates: 'Half of a surrogate pair is U+FFFD here, since PostgreSQL stores no such text; Better Auth gives it back as it came.',
  reInviteLimit: 'Under cancelPendingInvitationsOnReInvite, an invitation that the limit refuses leaves what was there here; Better Auth has canceled one by then.',
  codeIdToken: 'The id token that comes with a code is verified here as one alone is; Better Auth decodes those of Google, Apple and Microsoft, and believes whoever answers the exchange.',
  noIdToken: 'Without an id token a code signs nobody in here, where the provider has keys: who keeps it back could be anybody. Better Auth asks the user info endpoint.',
  oddProfile: 'Texts of a profile that are none aren’t there here, and an id token that is none is a bad one; Better Auth stores their text form, or fails.',
  futureToken: 'An id token that was issued in the future is refused here; Better Auth looks where there is a greatest age.',
  keyName: 'An id token without kid is verified by the one key of its kind, whoever the provider is; Better Auth does that for discovered ones.',
  photo: 'The photo of Microsoft’s graph isn’t fetched here, since an answer is a text.',
  rollback: 'A SQL caller who gets an exception loses what its transaction wrote: a refusal neither prolongs a session nor deletes an expired one. The next get_session does.',
};

/**
 * Replaces what differs from run to run: ids and tokens by their order of appearance, times by their
 * distance from now in whole minutes, password hashes by a mark. Equal values stay equal.
 */
export class Normaliser {
  #names = new Map();

  apply(value, key) {
    if (value instanceof Date) return this.#time(value);
    if (Array.isArray(value)) return value.map((item) => this.apply(item));
    if (value !== null && typeof value === 'object') {
      const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(fields.map(([name, item]) => [name, this.apply(item, name)]));
    }
    if (typeof value !== 'string') return value;
    if (key === 'password' && /^([0-9a-f]{32}:[0-9a-f]{128}|\$argon2id\$v=19\$m=19456,t=2,p=1\$\S{22}\$\S{43})$/.test(value)) {
      return '<hash>';
    }
    if (/^[A-Za-z0-9]{32}$/.test(value)) {
      if (!this.#names.has(value)) this.#names.set(value, `<id ${this.#names.size + 1}>`);
      return this.#names.get(value);
    }
    return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) ? this.#time(new Date(value)) : value;
  }

  #time(date) {
    return `<now + ${Math.round((date.getTime() - Date.now()) / 60_000) + 0} min>`;
  }
}

/**
 * The rows of user, account and session, oldest first, and whether their two times are those of one
 * write: Better Auth looks at the clock for each, so they may be a millisecond apart.
 */
async function rows(database) {
  const tables = {};
  for (const table of ['user', 'account', 'session']) {
    tables[table] = await database.sql(
      `SELECT *, "updatedAt" - "createdAt" BETWEEN '-1 second' AND '1 second' AS "untouched"
       FROM better_auth."${table}" ORDER BY "createdAt", id`,
    );
  }
  return tables;
}

/** Removes all users, and with them their accounts and sessions. */
export const clear = (database) => database.sql('DELETE FROM better_auth."user"');

/**
 * Runs steps on one implementation. A step is `[operation, body, {by, as, ...}]`: `by` names the session
 * that calls and `as` the one that is opened; `'@name'` in a body is that session's token. Or it is SQL,
 * with the tokens as `:name`. Returns the normalised answers and rows.
 */
async function play(auth, steps) {
  await clear(auth.database);
  const sessions = { unknown: 'A'.repeat(32), none: undefined, empty: '' };
  const token = (name) => {
    assert.ok(name in sessions, `no step opened session ${name}`);
    return sessions[name];
  };
  const normaliser = new Normaliser();
  const answers = [];
  for (const step of steps) {
    if (typeof step === 'string') {
      await auth.database.sql(step.replace(/:([a-z]\w*)\b/g, (_, name) => pg.escapeLiteral(token(name))));
      continue;
    }
    const [operation, body = {}, { by = 'none', as, ...client } = {}] = step;
    const fields = Object.entries(body).map(([field, value]) => [
      field,
      typeof value === 'string' && value.startsWith('@') && value.slice(1) in sessions ? token(value.slice(1)) : value,
    ]);
    const answer = await auth.call(operation, Object.fromEntries(fields), { token: token(by), ...client });
    if (as) {
      assert.ok(answer.ok?.token, `${operation} opened no session: ${JSON.stringify(answer)}`);
      sessions[as] = answer.ok.token;
    }
    const { ok, error } = answer;
    answers.push([operation, error ? { message: error.message, code: error.code } : normaliser.apply(ok)]);
  }
  return { answers, rows: normaliser.apply(await rows(auth.database)) };
}

/** Plays the steps on both, and compares answers and rows. Returns what both gave, for closer looks. */
export async function same(real, ours, steps) {
  const [theirs, mine] = await Promise.all([play(real, steps), play(ours, steps)]);
  assert.deepEqual(mine, theirs);
  return mine;
}

/** Waits until a connection of the database waits for a lock. */
export async function untilBlocked(database) {
  for (const end = Date.now() + 120_000; Date.now() < end; ) {
    const waiting = await database.value(
      `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if (waiting > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail('nothing waited for a lock');
}
