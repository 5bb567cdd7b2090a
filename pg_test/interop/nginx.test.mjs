// The differential test's requests, sent through nginx and PostgREST (examples/nginx-postgrest) and to
// `better_auth.handler` itself: the same answers, cookies, mails and rows.

import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { startNginx } from '../postgrest/nginx.mjs';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { VERSIONS } from '../postgrest/versions.mjs';
import { AGAINST_ITSELF, ourDatabase, ourSide, play } from './http.mjs';
import { BASE_URL, PASSWORD, SECRET } from './lib.mjs';
import GROUPS from './requests/index.mjs';

const ANON = 'nginx_test_anon';
const NONE = { options: () => ({}), sql: '' };
/** What the proxy and PostgREST say of the connection, not of the answer. */
const NOT_OURS = ['connection', 'content-length', 'date', 'keep-alive', 'server', 'transfer-encoding'];

/** One request as it is given, with no header more than HTTP needs; several of one name stay several. */
async function send(origin, { method, url, headers, body }) {
  const { pathname, search, host } = new URL(url);
  const sent = headers.some(([name]) => name.toLowerCase() === 'host') ? headers : [['host', host], ...headers];
  const several = {};
  for (const [name, value] of sent) several[name] = name in several ? [several[name], value].flat() : value;
  const [response, bytes] = await new Promise((resolve, reject) => {
    const outgoing = httpRequest(origin + pathname + search, { method, headers: several, agent: false });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => buffer(incoming).then((content) => resolve([incoming, content]), reject));
    outgoing.end(body);
  });
  const { 'set-cookie': setCookies = [], ...others } = response.headers;
  // PostgREST sends headers as UTF-8, which Node reads as Latin-1.
  const named = Object.entries(others)
    .filter(([name]) => !NOT_OURS.includes(name))
    .map(([name, value]) => [name, Buffer.from(value, 'latin1').toString()]);
  return { status: response.statusCode, headers: named.sort(([a], [b]) => (a < b ? -1 : 1)), setCookies, body: bytes.toString() };
}

/** PostgREST says of an answer without a type that it is bytes. That is seen where the answer is empty, too. */
const withoutType = ({ headers, ...answer }) => ({
  ...answer,
  headers: headers.filter(([, value]) => value !== 'application/octet-stream'),
});

/** The function says of every answer that no cache may keep it. */
const uncached = ({ headers, ...answer }) => {
  const isSaid = headers.some(([name]) => name === 'cache-control');
  const all = isSaid ? headers : [...headers, ['cache-control', 'no-store']];
  return { ...answer, headers: all.sort(([a], [b]) => (a < b ? -1 : 1)) };
};

/** A request with what nginx says of the client in place of what it says itself. */
const asForwarded = ({ headers, ...request }) => {
  const host = headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? new URL(request.url).host;
  const forwarded = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': host, 'x-forwarded-proto': 'http' };
  // An empty cookie is not handed on.
  const kept = headers.filter(([name, value]) => !(name.toLowerCase() in forwarded || (name.toLowerCase() === 'cookie' && value === '')));
  return { ...request, headers: [...kept, ...Object.entries(forwarded)] };
};

/** Whether the answer is nginx's own: for another path, or one that is no URL. */
const isOfNginx = ({ body, status }) => status >= 400 && body.includes('<center>nginx/');

/** Each group of requests goes through one of the versions, in turn. */
const versions = Object.keys(VERSIONS);

async function exposed(columns) {
  const database = await ourDatabase(columns);
  await database.sql(
    `DO $$ BEGIN CREATE ROLE ${ANON}; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
     SELECT better_auth.enable_rpc('public', '${ANON}', '${ANON}')`,
  );
  return database;
}

// One for each set of columns, as in differential.test.mjs, and one for each version: addresses are counted in each.
const databases = new Map();
const separate = new Map();
if (!AGAINST_ITSELF) {
  for (const columns of new Set(GROUPS.map(({ columns = NONE }) => columns))) databases.set(columns, await exposed(columns));
  for (const version of versions) separate.set(version, await exposed(NONE));
}

describe('through nginx and PostgREST', { skip: AGAINST_ITSELF }, () => {
  // The example is for the usual paths.
  for (const [index, group] of GROUPS.filter(({ basePath }) => basePath === undefined).entries()) {
    const version = versions[index % versions.length];
    describe(`${group.name} (PostgREST ${version})`, () => {
      let direct, proxied, stop;
      before(async () => {
        const database = databases.get(group.columns ?? NONE);
        await database.configure({ base_url: BASE_URL, rate_limit: 'off', ...group.settings });
        const postgrest = await startStandIn({ connection: { database: database.name }, anonRole: ANON, jwtSecret: SECRET, version });
        const nginx = await startNginx(postgrest.url);
        stop = () => nginx.stop().then(() => postgrest.stop());
        const ours = ourSide(database, () => ({}));
        direct = { ...ours, fetch: async (request) => uncached(await ours.fetch(asForwarded(request))) };
        proxied = { ...direct, name: 'behind nginx', fetch: async (request) => withoutType(await send(nginx.url, request)) };
      });
      after(() => stop?.());
      for (const [name, entry] of Object.entries(group.cases)) {
        const { steps = [entry].flat() } = entry;
        test(name, async () => {
          const wanted = await play(direct, steps, group);
          const seen = await play(proxied, steps, group);
          for (const [index, answer] of seen.answers.entries()) {
            if (!isOfNginx(answer)) continue;
            assert.ok(wanted.answers[index].status >= 400, `nginx answered ${answer.request} with ${answer.status}`);
            seen.answers[index] = wanted.answers[index];
            seen.rows.rateLimit = wanted.rows.rateLimit; // it has not counted it
          }
          assert.deepEqual(seen, wanted);
        });
      }
    });
  }
});

for (const version of versions) describe(`what is not Better Auth’s (PostgREST ${version})`, { skip: AGAINST_ITSELF }, () => {
  const database = separate.get(version);
  let postgrest, nginx;
  before(async () => {
    await database.sql(`
      SELECT better_auth.set_secret('jwt', ${pg.escapeLiteral(SECRET)});
      CREATE TABLE public.posts (user_id text DEFAULT public.requesting_user_id(), title text);
      ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON public.posts USING (user_id = public.requesting_user_id());
      GRANT ALL ON public.posts TO ${ANON}`);
    await database.configure({ base_url: BASE_URL, jwt_role: ANON, plugins: 'bearer' });
    postgrest = await startStandIn({ connection: { database: database.name }, anonRole: ANON, jwtSecret: SECRET, txEnd: 'commit-allow-override', version });
    nginx = await startNginx(postgrest.url);
  });
  after(() => nginx?.stop());
  after(() => postgrest?.stop());
  const post = (path, body, headers = {}) =>
    fetch(nginx.url + path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', origin: BASE_URL, ...headers } });
  const signIn = async (password, headers) => (await post('/api/auth/sign-in/email', { email: 'nobody@example.com', password }, headers)).status;

  test('tables and functions are below /rest/, by the token of the bridge route', async () => {
    const signedUp = await post('/api/auth/sign-up/email', { email: 'ada@nginx.example', password: PASSWORD, name: 'Ada' });
    const cookie = signedUp.headers.getSetCookie()[0].split(';')[0];
    const { token } = await (await fetch(`${nginx.url}/api/insforge-token`, { headers: { cookie } })).json();
    const authorization = `Bearer ${token}`;
    assert.equal((await post('/rest/posts', { title: 'Mine' }, { authorization })).status, 201);
    const read = async (headers) => (await fetch(`${nginx.url}/rest/posts?select=title`, { headers })).json();
    assert.deepEqual([await read({ authorization }), await read({})], [[{ title: 'Mine' }], []]);
    const rpc = await post('/rest/rpc/get_session', {}, { cookie });
    assert.equal((await rpc.json()).user.email, 'ada@nginx.example');
    // A token of one user with the cookie of another: the cookie decides for sessions, the token for tables.
    const eve = await post('/api/auth/sign-up/email', { email: 'eve@nginx.example', password: PASSWORD, name: 'Eve' });
    const hers = eve.headers.getSetCookie()[0].split(';')[0];
    const session = await fetch(`${nginx.url}/api/auth/get-session`, { headers: { cookie: hers, authorization } });
    assert.equal((await session.json()).user.email, 'eve@nginx.example');
    assert.deepEqual(await read({ cookie: hers, authorization }), [{ title: 'Mine' }]);
  });

  test('a session token in Authorization is for Better Auth, below /api/auth/ alone', async () => {
    const signedUp = await post('/api/auth/sign-up/email', { email: 'bea@nginx.example', password: PASSWORD, name: 'Bea' });
    const { token } = await signedUp.json();
    const signed = signedUp.headers.get('set-auth-token');
    for (const one of [token, signed]) {
      const answer = await fetch(`${nginx.url}/api/auth/get-session`, { headers: { authorization: `Bearer ${one}` } });
      assert.equal((await answer.json()).user.email, 'bea@nginx.example');
      const rpc = await post('/rest/rpc/get_session', {}, { authorization: `Bearer ${one}` });
      assert.equal(rpc.status, 401, 'PostgREST takes it for a token of its own');
    }
    const named = { 'x-better-auth-authorization': `Bearer ${token}` };
    assert.equal(await (await fetch(`${nginx.url}/api/auth/get-session`, { headers: named })).text(), 'null', 'nginx says what it was');
  });

  test('what a client says to PostgREST is not heard', async () => {
    const headers = { authorization: 'Bearer x.y.z', prefer: 'tx=rollback', range: 'bytes=0-1', 'accept-profile': 'x', 'content-profile': 'x', accept: 'text/csv' };
    const response = await fetch(`${nginx.url}/api/auth/ok`, { headers });
    assert.deepEqual([response.status, await response.text()], [200, '{"ok":true}']);
    assert.deepEqual(['access-control-allow-origin', 'content-range', 'vary'].map((name) => response.headers.get(name)), [null, null, null]);
  });

  test('rate limits count by the address that nginx sees, and stay', async () => {
    const answers = [];
    for (let attempt = 0; attempt < 5; attempt += 1) {
      answers.push(await signIn('wrong password', { 'x-forwarded-for': `203.0.113.${attempt}`, prefer: 'tx=rollback' }));
    }
    assert.deepEqual(answers, [401, 401, 401, 429, 429]);
  });

  test('the function alone wants the proxy’s headers', async () => {
    const call = async (headers) => {
      const sent = { 'content-type': 'application/octet-stream', ...headers };
      const response = await fetch(`${postgrest.url}/rpc/better_auth_handler`, { method: 'POST', headers: sent, body: '' });
      return [response.status, (await response.json()).message];
    };
    const missing = (name) => [400, `the header ${name} is missing: only a proxy that sets it can call this`];
    assert.deepEqual(await call({}), missing('X-Better-Auth-Method'));
    assert.deepEqual(await call({ 'x-better-auth-method': 'GET' }), missing('X-Better-Auth-URL'));
    const url = 'http://elsewhere.example/api/auth/ok';
    assert.deepEqual(await call({ 'x-better-auth-method': 'GET', 'x-better-auth-url': url }), [400, 'the URL must begin with a slash']);
    assert.equal((await fetch(`${postgrest.url}/rpc/better_auth_handler`)).status, 404, 'a GET');
  });
});
