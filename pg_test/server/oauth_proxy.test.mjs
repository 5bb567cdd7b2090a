// The plugin oauth-proxy: the secret that servers share, hosts that nobody vouches for, and where nobody fetches. What both
// servers say to each other: ../interop/oauth_proxy.test.mjs.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLIENT, Provider } from '../interop/provider.mjs';
import { ORIGIN, answer, begin, configured, http, httpFetching, resume } from './http.mjs';
import { ownServer, refused, until, writeForServer } from './lib.mjs';

const PREVIEW = 'https://preview.example';
const PLACES = { oauth_proxy_current_url: PREVIEW, oauth_proxy_production_url: ORIGIN };
const BODY = { provider: 'google', callbackURL: '/in', newUserCallbackURL: '/new', errorCallbackURL: '/oops', disableRedirect: true };

const setUp = (client) => client.query('SELECT better_auth.set_oauth_provider($1, $2, $3)', ['google', CLIENT.id, CLIENT.secret]);

/** Google, and who answers for it. One database is both servers. */
async function world(t, settings = {}) {
  const { database, client } = await configured(t, { rate_limit: 'off', base_url: ORIGIN, plugins: 'oauth-proxy', ...PLACES, ...settings });
  await setUp(client);
  return { database, client, provider: new Provider() };
}

const below = (url) => new URL(url).pathname.slice('/api/auth'.length) + new URL(url).search;
const fetching = ({ client, provider }, ...request) => httpFetching(client, (fetch) => provider.answer(fetch), ...request);
/** Where Google sends a browser back to, and where that is sent from there. */
async function there(at, body = BODY) {
  const begun = answer(await begin(at.client, 'POST', '/sign-in/social', { body }));
  assert.equal(begun.status, 200, begun.text);
  const back = below((await at.provider.authorize(begun.json.url)).location);
  return { back, ended: () => fetching(at, 'GET', back) };
}
const locationOf = async (answered) => (await answered).headers.location;
const home = (client, location) => http(client, 'GET', below(location));

test('the whole way, through a fetch that ends elsewhere', async (t) => {
  const at = await world(t);
  const { back } = await there(at);
  const suspended = await begin(at.client, 'GET', back);
  assert.equal(suspended.fetch.url, 'https://oauth2.googleapis.com/token');
  assert.equal(new URLSearchParams(suspended.fetch.body).get('redirect_uri'), `${ORIGIN}/api/auth/callback/google`);
  let played = await resume(at.client, suspended, await at.provider.answer(suspended.fetch));
  if (played.fetch) played = await resume(at.client, played, await at.provider.answer(played.fetch));
  const { status, headers, cookies } = answer(played);
  assert.deepEqual([status, cookies], [302, []]);
  assert.equal(await at.client.value('SELECT count(*)::int FROM better_auth."user"'), 0, 'nobody is anybody there');
  const ended = await home(at.client, headers.location);
  assert.deepEqual([ended.status, ended.headers.location], [302, '/new']);
  const session = await http(at.client, 'GET', '/get-session', { cookie: ended.cookie });
  assert.equal(session.json.user.email, at.provider.person.email);
});

test('where nobody fetches there is no provider', async (t) => {
  const at = await world(t);
  const { back } = await there(at);
  assert.equal(await locationOf(http(at.client, 'GET', back)), '/oops?error=oauth_provider_not_found');
});

test('a host that a request names gets no sign-ins, unless base_url or current_url says where this is', async (t) => {
  const { database, client } = await configured(t, { rate_limit: 'off', plugins: 'oauth-proxy', oauth_proxy_production_url: ORIGIN });
  await setUp(client);
  const started = async (connection) => {
    const request = { method: 'POST', url: 'https://evil.example/api/auth/sign-in/social', headers: { 'content-type': 'application/json' }, body: JSON.stringify(BODY), fetch: true };
    return answer(await connection.value('SELECT better_auth.handler($1)', [JSON.stringify(request)]));
  };
  assert.deepEqual(await started(client).then(({ status, text }) => [status, text]), [500, '']);
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.verification'), 0);
  const way = async (settings) => {
    const connection = await database.connect({ set: settings });
    const { status, text } = await started(connection);
    assert.equal(status, 200, text);
    return JSON.parse(await connection.value(`SELECT value FROM better_auth.verification ORDER BY "createdAt" DESC LIMIT 1`)).callbackURL;
  };
  const end = '/api/auth/callback/google/oauth-proxy?callbackURL=%2Fin';
  assert.equal(await way({ 'better_auth.oauth_proxy_current_url': PREVIEW }), PREVIEW + end);
  assert.equal(await way({ 'better_auth.base_url': 'https://own.example' }), `https://own.example${end}`);
});

test('a secret that was set over opens nothing any more; the cookie secret that was rotated does while it is kept', async (t) => {
  const at = await world(t);
  const { client } = at;
  const first = await there(at);
  await client.query(`SELECT better_auth.rotate_secret('cookie', '1 hour')`);
  assert.equal(await locationOf(home(client, await locationOf(first.ended()))), '/new');
  const second = await there(at);
  await client.call('set_secret', { name: 'oauth_proxy', value: 'shared' });
  assert.equal(await locationOf(second.ended()), `${ORIGIN}/api/auth/error?error=state_mismatch`);
  const third = await locationOf((await there(at)).ended());
  await client.call('set_secret', { name: 'oauth_proxy', value: 'another' });
  assert.equal(await locationOf(home(client, third)), `${ORIGIN}/api/auth/error?error=invalid_profile`);
  assert.equal(await client.value(`SELECT count(*)::int FROM better_auth.signing_secret WHERE name = 'oauth_proxy'`), 1);
  await refused(client.call('rotate_secret', { name: 'oauth_proxy' }), { code: '22023', message: /is somebody else's too/ });
  await refused(client.query(`SET better_auth.oauth_proxy_secret_file = '/etc/passwd'`), { code: '55P02' });
});

test('a secret in a file comes first', async (t) => {
  const own = await ownServer(t);
  const path = join(own.home, 'shared');
  const { client, database } = await own.database(t);
  await client.query(`LOAD 'better_auth'`);
  await client.call('set_secret', { name: 'oauth_proxy', value: 'of the file' });
  await setUp(client);
  const settings = { plugins: 'oauth-proxy', base_url: ORIGIN, rate_limit: 'off', ...PLACES };
  const set = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`better_auth.${name}`, value]));
  const at = { client: await database.connect({ set }), provider: new Provider() };
  const { ended } = await there(at);
  writeForServer(path, 'another\n');
  await client.query(`ALTER SYSTEM SET better_auth.oauth_proxy_secret_file = '${path}'`);
  await client.query('SELECT pg_reload_conf()');
  await until(async () => (await at.client.value(`SELECT current_setting('better_auth.oauth_proxy_secret_file')`)) === path, 'the file');
  assert.equal(await locationOf(ended()), `${ORIGIN}/api/auth/error?error=state_mismatch`);
  const { ended: again } = await there(at);
  writeForServer(path, 'of the file\n');
  assert.equal(await locationOf(again()), `${ORIGIN}/api/auth/error?error=state_mismatch`);
  assert.equal(await locationOf(home(at.client, await locationOf((await there(at)).ended()))), '/new');
});

test('api() begins by the way of the other server as well, and ends', async (t) => {
  const at = await world(t);
  const { client } = at;
  const call = (endpoint, input) => client.value('SELECT better_auth.api($1, $2)', [endpoint, JSON.stringify(input)]);
  await refused(call('oAuthProxyCompletion', { query: { callbackURL: '/in' } }), { code: '22023', message: /needs params/ });
  const location = new URL(await locationOf((await there(at)).ended()));
  const { redirect, url } = await call('oAuthProxyCompletion', { params: { id: 'google' }, query: Object.fromEntries(location.searchParams) });
  assert.deepEqual([redirect, url], [true, '/new']);
  assert.equal(await client.value('SELECT count(*)::int FROM better_auth.session'), 1);
});
