// The plugin api-key: what the server alone does with keys, uses at once, attacks, and requests of PostgREST's with a
// key alone.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { ENDS } from '../postgrest/versions.mjs';
import { http, set } from './http.mjs';
import { cleanup, ident, refused, server, signUp, untilBlocked } from './lib.mjs';
import { api, memberIn, together, withOrganization } from './organizations.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const SETTINGS = { api_key_rate_limit_enabled: 'off' };
const DAY = 86_400;
const hash = (key) => createHash('sha256').update(key).digest('base64url');
const letters = (length = 64) => randomBytes(length).toString('hex').slice(0, length);

/** A database with the plugin, and somebody with a key: made as the server does, so with all that it alone sets. */
async function withKey(t, { settings = {}, plugins = 'api-key', ...body } = {}) {
  const { database, client } = await withPlugins(t, plugins, { ...SETTINGS, ...settings });
  const ada = await signUp(client);
  const made = await api(client, 'createApiKey', { body: { userId: ada.user.id, ...body } });
  return { database, client, ada, made, key: made.key };
}
const verify = (client, key, permissions = null, configId = null) =>
  client.value('SELECT better_auth.verify_api_key($1, $2, $3)', [key, permissions && JSON.stringify(permissions), configId]);
const rowOf = async (client, id) => (await client.query('SELECT * FROM better_auth.apikey WHERE id = $1', [id])).rows[0];
const codeOf = ({ valid, error }) => (valid ? 'valid' : error.code);

test('a key is stored as its hash, is verified, and is a row without the key', async (t) => {
  const { client, made, key, ada } = await withKey(t, { name: 'CI', remaining: 3, permissions: { files: ['read'] } });
  assert.match(key, /^[a-zA-Z]{64}$/);
  const row = await rowOf(client, made.id);
  assert.deepEqual([row.key, row.start, row.referenceId], [hash(key), key.slice(0, 6), ada.user.id]);
  const good = await verify(client, key);
  assert.deepEqual([good.valid, good.error, good.key.remaining, good.key.key, good.key.permissions], [true, null, 2, undefined, { files: ['read'] }]);
  assert.deepEqual(await api(client, 'verifyApiKey', { body: { key: letters() } }), { key: null, error: { code: 'INVALID_API_KEY', message: 'Invalid API key.' }, valid: false });
});

test('permissions are all allowed, or the key isn’t', async (t) => {
  const { client, key } = await withKey(t, { permissions: { files: ['read', 'write'], users: [] } });
  for (const [permissions, expected] of [
    [{ files: ['read'] }, 'valid'],
    [{ files: ['read', 'write'] }, 'valid'],
    [{ files: ['delete'] }, 'KEY_NOT_FOUND'],
    [{ files: ['read'], users: ['list'] }, 'KEY_NOT_FOUND'],
    [{ files: [] }, 'KEY_NOT_FOUND'],
    [{ nothing: ['read'] }, 'KEY_NOT_FOUND'],
    [{ constructor: ['read'] }, 'KEY_NOT_FOUND'],
    [{}, 'KEY_NOT_FOUND'],
  ]) {
    assert.equal(codeOf(await verify(client, key, permissions)), expected, JSON.stringify(permissions));
  }
  for (const bad of [[], 1, { a: 'b' }, { a: [1] }]) await refused(verify(client, key, bad), { code: '22023', message: /permissions must be/ });
});

test('what the server alone sets', async (t) => {
  const { client, ada } = await withKey(t);
  const create = (body) => api(client, 'createApiKey', { body: { userId: ada.user.id, ...body } });
  const made = await create({ refillAmount: 5, refillInterval: 1000, remaining: 1, rateLimitEnabled: true, rateLimitMax: 2, rateLimitTimeWindow: 1000 });
  assert.deepEqual([made.refillAmount, made.refillInterval, made.remaining, made.rateLimitEnabled, made.rateLimitMax, made.rateLimitTimeWindow], [5, 1000, 1, true, 2, 1000]);
  await refused(create({ refillAmount: 5 }), { detail: 'REFILL_AMOUNT_AND_INTERVAL_REQUIRED' });
  await refused(create({ refillInterval: 5 }), { detail: 'REFILL_INTERVAL_AND_AMOUNT_REQUIRED' });
  await refused(create({ remaining: 1.5 }), { detail: 'VALIDATION_ERROR' });
  await refused(create({ refillInterval: 2 ** 31, refillAmount: 1 }), { detail: 'VALIDATION_ERROR' });
  await refused(api(client, 'createApiKey', { body: {} }), { detail: 'UNAUTHORIZED_SESSION' });
  await refused(api(client, 'createApiKey', { body: { userId: 'another' } }, ada.token), { detail: 'UNAUTHORIZED_SESSION' });
  await refused(api(client, 'createApiKey', { body: { remaining: 5 } }, ada.token), { detail: 'SERVER_ONLY_PROPERTY' });
  const update = (body) => api(client, 'updateApiKey', { body: { userId: ada.user.id, keyId: made.id, ...body } });
  assert.deepEqual((await update({ permissions: { a: ['b'] } })).permissions, { a: ['b'] });
  assert.equal((await update({ permissions: null })).permissions, null);
  assert.equal((await update({ remaining: 9 })).remaining, 9);
  await refused(update({ refillAmount: 1 }), { detail: 'REFILL_AMOUNT_AND_INTERVAL_REQUIRED' });
  await refused(update({ refillInterval: 1 }), { detail: 'REFILL_INTERVAL_AND_AMOUNT_REQUIRED' });
  assert.equal((await update({ refillInterval: 1, refillAmount: 2, rateLimitMax: 7, rateLimitTimeWindow: 8, rateLimitEnabled: false })).rateLimitMax, 7);
  await refused(update({ userId: 'another', name: 'x' }), { detail: 'KEY_NOT_FOUND' });
});

test('expired keys go: the one that is used, some when others are made, all when asked', async (t) => {
  const { client, made, key, ada } = await withKey(t);
  const expire = (id) => client.query(`UPDATE better_auth.apikey SET "expiresAt" = now() - interval '1 second' WHERE id = $1 OR $1 IS NULL`, [id]);
  await expire(made.id);
  assert.equal(codeOf(await verify(client, key)), 'KEY_EXPIRED');
  assert.equal(await rowOf(client, made.id), undefined);
  for (let n = 0; n < 3; n += 1) await api(client, 'createApiKey', { body: { userId: ada.user.id } });
  await expire(null);
  assert.deepEqual(await api(client, 'deleteAllExpiredApiKeys'), { success: true, error: null });
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.apikey'), 0);
  const other = await api(client, 'createApiKey', { body: { userId: ada.user.id, expiresIn: 2 * DAY } });
  await expire(other.id);
  await client.value('SELECT better_auth.purge_expired()');
  assert.equal(await rowOf(client, other.id), undefined);
});

test('uses at once count exactly, and nothing is left below zero', async (t) => {
  const { database, client, made, key } = await withKey(t, { remaining: 30 });
  const ends = await together(database, Array.from({ length: 10 }, () => async (on) => {
    const codes = [];
    for (let n = 0; n < 5; n += 1) codes.push(codeOf(await verify(on, key)));
    return codes;
  }));
  const count = (code) => ends.flat().filter((one) => one === code).length;
  // The last use that finds none left deletes the key.
  assert.equal(count('valid'), 30);
  assert.equal(count('USAGE_EXCEEDED') + count('INVALID_API_KEY'), 20);
  assert.ok(count('USAGE_EXCEEDED') >= 1);
  assert.equal(await rowOf(client, made.id), undefined);
});

test('a window is counted exactly too, and a refill comes once', async (t) => {
  const { database, client, ada } = await withKey(t, { settings: { api_key_rate_limit_enabled: 'on' } });
  const create = (body) => api(client, 'createApiKey', { body: { userId: ada.user.id, ...body } });
  const limited = await create({ rateLimitMax: 7, rateLimitTimeWindow: 100_000_000 });
  const refilled = await create({ remaining: 0, refillAmount: 7, refillInterval: 3_600_000, rateLimitEnabled: false });
  await client.query(`UPDATE better_auth.apikey SET "createdAt" = now() - interval '2 hours' WHERE id = $1`, [refilled.id]);
  for (const [{ key, id }, refusal] of [[limited, 'RATE_LIMITED'], [refilled, 'USAGE_EXCEEDED']]) {
    const ends = (await together(database, Array.from({ length: 12 }, () => (on) => verify(on, key)))).map(codeOf);
    assert.deepEqual([ends.filter((end) => end === 'valid').length, ends.filter((end) => end === refusal).length], [7, 5]);
    const row = await rowOf(client, id);
    assert.deepEqual([row.requestCount, row.remaining], refusal === 'RATE_LIMITED' ? [7, null] : [0, 0]);
  }
  const { error } = await verify(client, limited.key);
  assert.ok(error.details.tryAgainIn > 99_000_000 && error.details.tryAgainIn <= 100_000_000);
});

test('a use waits for whoever is at the key, and finds it as that leaves it', async (t) => {
  const { database, client, made, key } = await withKey(t, { remaining: 1 });
  const [holder, waiter] = await database.connectMany(2);
  await holder.query('BEGIN');
  assert.equal(codeOf(await verify(holder, key)), 'valid');
  const waiting = verify(waiter, key);
  await untilBlocked(client, waiter);
  await holder.query('COMMIT');
  assert.equal(codeOf(await waiting), 'USAGE_EXCEEDED');
  // And where it is switched off meanwhile, it is.
  const other = await api(client, 'createApiKey', { body: { userId: made.referenceId, remaining: 5 } });
  await holder.query('BEGIN');
  await holder.query('UPDATE better_auth.apikey SET enabled = false WHERE id = $1', [other.id]);
  const late = verify(waiter, other.key);
  await untilBlocked(client, waiter);
  await holder.query('COMMIT');
  assert.equal(codeOf(await late), 'KEY_DISABLED');
  assert.equal((await rowOf(client, other.id)).remaining, 5);
});

test('an undone transaction undoes its use', async (t) => {
  const { client, made, key } = await withKey(t, { remaining: 2 });
  await client.query('BEGIN');
  await verify(client, key);
  await client.query('ROLLBACK');
  assert.equal((await rowOf(client, made.id)).remaining, 2);
});

test('keys guessed, revoked, of another form', async (t) => {
  const { client, made, key, ada } = await withKey(t);
  const row = await rowOf(client, made.id);
  for (const bad of ['', key.slice(0, -1), `${key}x`, key.toUpperCase(), ` ${key}`, row.key, made.id, '%', 'x'.repeat(100_000)]) {
    assert.equal(codeOf(await verify(client, bad)), 'INVALID_API_KEY', bad.slice(0, 20));
  }
  assert.equal(codeOf(await verify(client, null)), 'INVALID_API_KEY');
  assert.equal(codeOf(await api(client, 'verifyApiKey', { body: { key: `${key}` } })), 'valid');
  await api(client, 'updateApiKey', { body: { keyId: made.id, enabled: false } }, ada.token);
  assert.equal(codeOf(await verify(client, key)), 'KEY_DISABLED');
  await api(client, 'updateApiKey', { body: { keyId: made.id, enabled: true } }, ada.token);
  await api(client, 'deleteApiKey', { body: { keyId: made.id } }, ada.token);
  assert.equal(codeOf(await verify(client, key)), 'INVALID_API_KEY');
});

test('a key is as good as its owner', async (t) => {
  const { client, ada, key } = await withKey(t, { plugins: 'api-key, admin' });
  await client.query(`UPDATE better_auth."user" SET banned = true WHERE id = $1`, [ada.user.id]);
  assert.equal(codeOf(await verify(client, key)), 'USER_BANNED');
  await client.query(`UPDATE better_auth."user" SET "banExpires" = now() - interval '1 second' WHERE id = $1`, [ada.user.id]);
  assert.equal(codeOf(await verify(client, key)), 'valid');
  // Deleted as users are, its keys go along; deleted by SQL, they are of nobody.
  const bob = await signUp(client);
  const his = await api(client, 'createApiKey', { body: { userId: bob.user.id } });
  await client.query(`DELETE FROM better_auth."user" WHERE id = $1`, [ada.user.id]);
  assert.equal(codeOf(await verify(client, key)), 'INVALID_REFERENCE_ID_FROM_API_KEY');
  await set(client, { delete_user_enabled: 'on' });
  await api(client, 'deleteUser', { body: {} }, bob.token);
  assert.equal(await rowOf(client, his.id), undefined);
});

test('several configurations, keys of organizations among them', async (t) => {
  const configurations = [{ configId: 'org', references: 'organization', defaultPrefix: 'org_' }, { configId: 'plain', disableKeyHashing: true, rateLimit: { enabled: false } }];
  const { client, id, owner } = await withOrganization(t, { ...SETTINGS, api_key_configurations: JSON.stringify(configurations) }, 'organization, api-key');
  const member = await memberIn(client, id, 'member');
  const create = (body, token = null) => api(client, 'createApiKey', { body }, token);
  const ofOrg = await create({ configId: 'org', organizationId: id }, owner.token);
  assert.match(ofOrg.key, /^org_[A-Za-z]{64}$/);
  assert.deepEqual([ofOrg.configId, ofOrg.referenceId], ['org', id]);
  await refused(create({ configId: 'org', organizationId: id }, member.token), { detail: 'INSUFFICIENT_API_KEY_PERMISSIONS' });
  await refused(create({ configId: 'org', organizationId: 'other' }, member.token), { detail: 'USER_NOT_MEMBER_OF_ORGANIZATION' });
  const plain = await create({ configId: 'plain' }, member.token);
  assert.equal((await rowOf(client, plain.id)).key, plain.key);
  for (const [key, configId, expected] of [
    [ofOrg.key, null, 'valid'],
    [ofOrg.key, 'org', 'valid'],
    [ofOrg.key, 'default', 'INVALID_API_KEY'],
    [ofOrg.key, 'plain', 'INVALID_API_KEY'],
    [plain.key, 'plain', 'valid'],
    [plain.key, null, 'INVALID_API_KEY'],
    [hash(ofOrg.key), 'plain', 'INVALID_API_KEY'],
  ]) {
    assert.equal(codeOf(await verify(client, key, null, configId)), expected, `${key} ${configId}`);
  }
  const listed = async (query, token) => (await api(client, 'listApiKeys', { query }, token)).apiKeys.map((one) => one.id);
  assert.deepEqual(await listed({ organizationId: id }, owner.token), [ofOrg.id]);
  await client.query('DELETE FROM better_auth.organization WHERE id = $1', [id]);
  assert.equal(codeOf(await verify(client, ofOrg.key)), 'INVALID_REFERENCE_ID_FROM_API_KEY');
});

test('a role of the organization’s plugin may be given keys', async (t) => {
  const roles = { keeper: { apiKey: ['create', 'read'] }, owner: {}, member: {} };
  const { client, id } = await withOrganization(t, { ...SETTINGS, api_key_references: 'organization', organization_roles: JSON.stringify(roles) }, 'organization, api-key');
  const keeper = await memberIn(client, id, 'keeper');
  const made = await api(client, 'createApiKey', { body: { organizationId: id } }, keeper.token);
  assert.equal((await api(client, 'getApiKey', { query: { id: made.id } }, keeper.token)).id, made.id);
  await refused(api(client, 'deleteApiKey', { body: { keyId: made.id } }, keeper.token), { detail: 'INSUFFICIENT_API_KEY_PERMISSIONS' });
});

test('configurations that are none are said to be', async (t) => {
  const { client, key } = await withKey(t);
  for (const [bad, message] of [['x', /no JSON/], ['[{}]', /configId is required/], ['[{"configId": "a", "nope": 1}]', /no option "nope"/]]) {
    await set(client, { api_key_configurations: bad });
    await refused(verify(client, key), { message: new RegExp(`api_key_configurations: .*${message.source}`) });
  }
  await refused((async () => set(client, { plugins: '' }).then(() => verify(client, key)))(), { message: /plugin api-key is off/ });
});

test('nobody verifies keys who may not, and no key is in the log', async (t) => {
  const { database, client, key } = await withKey(t);
  const role = await server.role(t, 'stranger');
  const stranger = await database.connect({ user: role });
  await refused(verify(stranger, key), { code: '42501' });
  await client.query(`ALTER TABLE better_auth.apikey ADD CHECK (remaining <> 77)`);
  const error = await client.query(`UPDATE better_auth.apikey SET remaining = 77`).then(() => null, (error) => error);
  assert.match(error.detail, /Failing row/, 'what PostgreSQL would tell of the row');
  await client.query(`ALTER TABLE better_auth.apikey ADD CHECK (remaining IS NULL OR remaining <> 4)`);
  const owner = await client.value('SELECT "referenceId" FROM better_auth.apikey');
  const told = await api(client, 'createApiKey', { body: { userId: owner, remaining: 4 } }).then(() => null, (error) => error);
  assert.doesNotMatch(`${told.message} ${told.detail}`, /Failing row/);
});

test('the functions of enable_rpc()', async (t) => {
  const { database, client, ada } = await withKey(t, { settings: { api_key_enable_metadata: 'on' } });
  const rpc = await withRpc(t, database, client);
  const session_token = ada.token;
  const made = await rpc('create_api_key', { name: 'CI', metadata: '{"a": 1}', session_token });
  assert.deepEqual([made.status, made.json.name, made.json.metadata], [200, 'CI', { a: 1 }]);
  assert.equal((await rpc('get_api_key', { id: made.json.id, session_token })).json.name, 'CI');
  assert.equal((await rpc('update_api_key', { key_id: made.json.id, enabled: false, session_token })).json.enabled, false);
  const listed = await rpc('list_api_keys', { sort_by: 'createdAt', '"limit"': '1', '"offset"': '1', session_token });
  assert.deepEqual([listed.json.total, listed.json.apiKeys.map((one) => one.id)], [2, [made.json.id]]);
  assert.deepEqual((await rpc('delete_api_key', { key_id: made.json.id, session_token })).json, { success: true });
  assert.equal((await rpc('get_api_key', { id: made.json.id, session_token })).status, 404);
  assert.equal((await rpc('list_api_keys')).status, 401);
});

test('a key in the name of its user, by HTTP', async (t) => {
  const { client, key, ada } = await withKey(t, { plugins: 'api-key, admin', settings: { api_key_enable_session_for_api_keys: 'on' } });
  const by = (method, path, options = {}) => http(client, method, path, { headers: { 'x-api-key': key }, ...options });
  assert.equal((await by('GET', '/get-session')).json.user.id, ada.user.id);
  assert.equal((await by('GET', '/api-key/list')).json.total, 1);
  // It is no session in the table: nothing is prolonged by it, and no bridge token is made of it.
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session'), 1);
  await client.query(`UPDATE better_auth."user" SET banned = true`);
  assert.deepEqual([(await by('GET', '/get-session')).status, (await by('GET', '/get-session')).json.code], [401, 'USER_BANNED']);
});

test('such a request makes no key, changes none, and lists no session: it would be more than its key', async (t) => {
  const { client, key, made } = await withKey(t, { settings: { api_key_enable_session_for_api_keys: 'on' } });
  const by = async (method, path, body) => {
    const { status, json } = await http(client, method, path, { headers: { 'x-api-key': key }, body });
    return [status, json.code];
  };
  assert.deepEqual(await by('POST', '/api-key/create', {}), [401, 'UNAUTHORIZED_SESSION']);
  assert.deepEqual(await by('POST', '/api-key/update', { keyId: made.id, expiresIn: 30 * DAY }), [401, 'UNAUTHORIZED_SESSION']);
  assert.deepEqual(await by('GET', '/list-sessions'), [403, 'SESSION_NOT_FRESH']);
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.apikey'), 1);
});

test('where all sessions of a user have ended none makes one', async (t) => {
  const { database, client, ada } = await withKey(t);
  const [other] = await database.connectMany(1);
  await other.query('BEGIN');
  await other.call('revoke_sessions', { session_token: ada.token });
  const made = api(client, 'createApiKey', { body: {} }, ada.token);
  made.catch(() => {});
  await untilBlocked(other, client);
  await other.query('COMMIT');
  await refused(made, { detail: 'UNAUTHORIZED_SESSION' });
});

test('an account that was taken over loses the keys of who signed up with the address', async (t) => {
  const { client, ada, key } = await withKey(t, { plugins: 'api-key, magic-link' });
  await http(client, 'POST', '/sign-in/magic-link', { body: { email: ada.user.email } });
  const url = new URL(await client.value('SELECT url FROM better_auth.mail_outbox ORDER BY created_at DESC LIMIT 1'));
  await http(client, 'GET', `/magic-link/verify${url.search}`);
  assert.equal(codeOf(await verify(client, key)), 'INVALID_API_KEY');
});

test('a stored hash is no key where another configuration hashes none', async (t) => {
  const configurations = JSON.stringify([{ configId: 'plain', disableKeyHashing: true }]);
  const { client, key } = await withKey(t, { settings: { api_key_configurations: configurations } });
  assert.equal(codeOf(await verify(client, hash(key), null, 'plain')), 'INVALID_API_KEY');
  assert.equal(codeOf(await verify(client, key)), 'valid');
});

// ── PostgREST ────────────────────────────────────────────────────────────────────────────────────

const JWT_SECRET = 'the jwt secret of PostgREST and of ours';

/** A stand-in for PostgREST, as a role that may become the others and nothing else, and a user with a key. */
async function withPostgrest(t, { version, settings = {}, ...body } = {}) {
  const [anon, user, authenticator] = [await server.role(t, 'anon'), await server.role(t, 'user'), await server.role(t, 'authenticator')];
  const { database, client } = await withPlugins(t, 'api-key, admin', { ...SETTINGS, api_key_pre_request: 'on', jwt_role: user, ...settings });
  await client.query(`SELECT better_auth.set_secret('jwt', $1)`, [JWT_SECRET]);
  await client.query('SELECT better_auth.enable_rpc($1, $2, $3)', ['public', anon, user]);
  await client.query(`
    ALTER ROLE ${ident(authenticator)} NOINHERIT; GRANT ${ident(anon)}, ${ident(user)} TO ${ident(authenticator)};
    CREATE TABLE public.posts (id int GENERATED ALWAYS AS IDENTITY, user_id text NOT NULL DEFAULT public.requesting_user_id(), title text);
    ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON public.posts TO ${ident(user)} USING (user_id = public.requesting_user_id());
    GRANT ALL ON public.posts TO ${ident(user)};
    CREATE FUNCTION public.who() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
      SELECT jsonb_build_object('user', public.requesting_user_id(), 'role', current_user, 'claims', current_setting('request.jwt.claims', true)::jsonb) $$;
    GRANT EXECUTE ON FUNCTION public.who() TO PUBLIC`);
  const postgrest = await startStandIn({ connection: { database: database.name, user: authenticator }, anonRole: anon, jwtSecret: JWT_SECRET, preRequest: 'public.pre_request', version });
  cleanup(t, () => postgrest.stop());
  const ada = await signUp(client);
  const made = await api(client, 'createApiKey', { body: { userId: ada.user.id, ...body } });
  const send = async (method, path, { key, jwt, body, headers = {} } = {}) => {
    const response = await fetch(`${postgrest.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...(key && { 'x-api-key': key }), ...(jwt && { authorization: `Bearer ${jwt}` }), ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, json: text && JSON.parse(text) };
  };
  return { database, client, send, ada, made, key: made.key, user, anon };
}

function each(name, body) {
  for (const version of ENDS) test(`${name} (PostgREST ${version})`, (t) => body(t, (options) => withPostgrest(t, { version, ...options })));
}

each('a program calls the data API with a key alone, under row level security', async (t, start) => {
  const { client, send, key, ada, made, user, anon } = await start({ permissions: { posts: ['read'] } });
  assert.deepEqual((await send('POST', '/rpc/who', { key, body: {} })).json, {
    user: ada.user.id, role: user, claims: { sub: ada.user.id, role: user, aud: 'insforge-api', apiKey: made.id, apiKeyPermissions: { posts: ['read'] } },
  });
  assert.equal((await send('POST', '/posts', { key, body: { title: 'Mine' } })).status, 201);
  await client.query(`INSERT INTO public.posts (user_id, title) VALUES ('another', 'Theirs')`);
  assert.deepEqual((await send('GET', '/posts', { key })).json.map(({ title }) => title), ['Mine']);
  // Nothing of it stays in the connection.
  assert.deepEqual((await send('POST', '/rpc/who', { body: {} })).json, { user: null, role: anon, claims: { role: anon } });
  assert.equal((await send('GET', '/posts')).status, 401);
});

each('keys that are refused are 401, whatever the reason', async (t, start) => {
  const { client, send, key, ada, made } = await start();
  const status = async (more = {}) => [(await send('GET', '/posts', { key, ...more })).status, (await send('POST', '/posts', { key, body: { title: 'x' }, ...more })).status];
  const [good, bad] = [[200, 201], [401, 401]];
  const update = (text) => client.query(`UPDATE better_auth.apikey SET ${text} WHERE id = $1`, [made.id]);
  assert.deepEqual(await status(), good);
  assert.deepEqual(await status({ key: letters() }), bad, 'guessed');
  const refusal = await send('GET', '/posts', { key: letters() });
  assert.deepEqual([refusal.json.code, refusal.json.message], ['PT401', 'Unauthorized']);
  await update('enabled = false');
  assert.deepEqual(await status(), bad, 'off');
  await update('enabled = true, "configId" = \'other\'');
  assert.deepEqual(await status(), good, 'of a configuration that is gone: the default one’s');
  await update(`"expiresAt" = now() - interval '1 second'`);
  assert.deepEqual(await status(), bad, 'expired');
  await update(`"expiresAt" = NULL, remaining = 1`);
  // What may not write can't count.
  assert.equal((await send('GET', '/posts', { key })).status, 401);
  assert.equal((await send('POST', '/posts', { key, body: { title: 'x' } })).status, 201);
  assert.equal((await send('POST', '/posts', { key, body: { title: 'x' } })).status, 401);
  await update('remaining = NULL');
  await client.query(`UPDATE better_auth."user" SET banned = true WHERE id = $1`, [ada.user.id]);
  assert.deepEqual(await status(), bad, 'of a banned owner');
  await client.query(`DELETE FROM better_auth."user" WHERE id = $1`, [ada.user.id]);
  assert.deepEqual(await status(), bad, 'of an owner who is gone');
  await client.query('DELETE FROM better_auth.apikey');
  assert.deepEqual(await status(), bad, 'revoked');
  assert.equal((await send('POST', '/rpc/who', { key, body: {} })).status, 401, 'where nobody has to be signed in');
});

each('a key beside a token of somebody’s is one name too many', async (t, start) => {
  const { client, send, key, ada, anon } = await start();
  const bridge = await client.value('SELECT better_auth.bridge_token($1)', [ada.token]);
  assert.equal((await send('GET', '/posts', { jwt: bridge })).status, 200);
  assert.equal((await send('GET', '/posts', { jwt: bridge, key })).status, 401);
  const nobodys = await client.value(`SELECT better_auth.sign_jwt(jsonb_build_object('role', $1::text))`, [anon]);
  assert.equal((await send('GET', '/posts', { jwt: nobodys, key })).status, 200);
});

each('uses in requests that may not write are limited too', async (t, start) => {
  const { send, key, client, made } = await start({ settings: { api_key_rate_limit_enabled: 'on' }, rateLimitMax: 3, rateLimitTimeWindow: 100_000_000 });
  const statuses = [];
  for (let n = 0; n < 3; n += 1) statuses.push((await send('GET', '/posts', { key })).status);
  assert.deepEqual(statuses, [200, 200, 200]);
  assert.deepEqual([(await send('GET', '/posts', { key })).status, (await send('POST', '/posts', { key, body: { title: 'x' } })).status], [401, 401]);
  assert.equal((await rowOf(client, made.id)).requestCount, 0);
});

each('pre_request() takes keys where the setting says so, and of such configurations', async (t, start) => {
  const configurations = JSON.stringify([{ configId: 'data', preRequest: true, apiKeyHeaders: 'x-data-key', rateLimit: { enabled: false } }]);
  const { client, send, key, ada } = await start({ settings: { api_key_pre_request: 'off', api_key_configurations: configurations } });
  assert.equal((await send('POST', '/rpc/who', { key, body: {} })).json.user, null, 'another header');
  const by = async (key) => (await send('POST', '/rpc/who', { body: {}, headers: { 'x-data-key': key } })).status;
  assert.equal(await by(key), 401, 'a key of a configuration that isn’t for it');
  const { key: data } = await api(client, 'createApiKey', { body: { userId: ada.user.id, configId: 'data' } });
  assert.equal(await by(data), 200);
});

test('who has connected has to be a member of the role', async (t) => {
  const { database, client, key, user, anon } = await withPostgrest(t);
  const other = await server.role(t, 'other');
  await client.query(`GRANT ${ident(anon)} TO ${ident(other)}`);
  const connection = await database.connect({ user: other });
  await connection.query(`BEGIN; SET LOCAL ROLE ${ident(anon)}; SELECT set_config('request.headers', '${JSON.stringify({ 'x-api-key': key })}', true)`);
  await refused(connection.query('SELECT public.pre_request()'), { code: '42501', message: /permission denied to set role/ });
  await connection.query('ROLLBACK');
  cleanup(t, () => client.query(`REVOKE ${ident(anon)} FROM ${ident(other)}`));
  for (const role of ['none', '']) {
    await client.query(`ALTER DATABASE ${ident(database.name)} SET better_auth.jwt_role = '${role}'`);
    const late = await database.connect();
    await late.query(`BEGIN; SELECT set_config('request.headers', '${JSON.stringify({ 'x-api-key': key })}', true)`);
    await refused(late.query('SELECT public.pre_request()'), { message: /has to name a database role/ });
    await late.query('ROLLBACK');
  }
  assert.ok(user);
});

test('with identity = verified the owner of a key is who is asking, and no claims are', async (t) => {
  const { send, client, key, ada } = await withPostgrest(t, { settings: { identity: 'verified' } });
  assert.equal((await send('POST', '/rpc/who', { key, body: {} })).json.user, ada.user.id);
  assert.equal((await send('POST', '/rpc/who', { body: {} })).json.user, null);
  const bridge = await client.value('SELECT better_auth.bridge_token($1)', [ada.token]);
  assert.equal((await send('POST', '/rpc/who', { jwt: bridge, body: {} })).json.user, null);
  // What PostgREST has verified counts all the same.
  assert.equal((await send('POST', '/rpc/who', { jwt: bridge, key, body: {} })).status, 401);
  await client.call('sign_out', { session_token: ada.token });
  assert.equal((await send('POST', '/rpc/who', { jwt: bridge, body: {} })).status, 401);
});

test('the DBA’s function has the last word on claims and role, as of bridge tokens', async (t) => {
  const { send, client, key, ada, anon, made } = await withPostgrest(t);
  await client.query(`
    CREATE FUNCTION public.claims_of(told jsonb) RETURNS jsonb LANGUAGE sql AS
      $$ SELECT jsonb_build_object('role', '${anon}', 'tenant', told -> 'user' ->> 'id', 'apiKey', 'none') $$;
    ALTER DATABASE ${ident(await client.value('SELECT current_database()'))} SET better_auth.bridge_claims_function = 'public.claims_of'`);
  await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`);
  const { role, claims } = (await send('POST', '/rpc/who', { key, body: {} })).json;
  assert.equal(role, anon);
  assert.deepEqual(claims, { sub: ada.user.id, role: anon, aud: 'insforge-api', apiKey: made.id, tenant: ada.user.id });
});
