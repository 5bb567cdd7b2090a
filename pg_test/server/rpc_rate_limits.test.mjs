// No URL and no header makes a function of enable_rpc() forget what it has counted: an address that PostgREST's caller
// has had counted three times gets 429, whatever became of those three transactions.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { ENDS } from '../postgrest/versions.mjs';
import { PASSWORD, cleanup, ident, server } from './lib.mjs';

const SECRET = 'the jwt secret of PostgREST and of ours';
const EMAIL = 'nobody@example.com';
const MAX = 3;

/** What each writing function is called with. It is refused, or does nothing, before it hashes a password. */
const CALLS = {
  sign_up_email: { email: 'x', password: 'x', name: 'x' },
  sign_in_email: { email: 'x', password: 'x' },
  sign_out: {},
  revoke_session: { token: 'x' },
  revoke_sessions: {},
  revoke_other_sessions: {},
  update_user: { name: 'x' },
  change_password: { current_password: 'x', new_password: 'x' },
  request_password_reset: { email: EMAIL },
  reset_password: { token: 'x', new_password: PASSWORD },
  send_verification_email: { email: EMAIL },
  verify_email: { token: 'x' },
  change_email: { new_email: EMAIL },
  delete_user: {},
};

/** The RPC functions on a server of one limit for all, behind the stand-in. `ask` counts for an address. */
async function serving(t, config) {
  const anon = await server.role(t, 'anon');
  const { database, client } = await server.database(t);
  await client.query(`SELECT better_auth.enable_rpc('public', $1, $1)`, [anon]);
  await client.query(`LOAD 'better_auth'`);
  const settings = { base_url: 'http://app.example', rate_limit: 'on', rate_limit_rules: `/**=3600/${MAX}`, delete_user_enabled: 'on', change_email_enabled: 'on' };
  for (const [name, value] of Object.entries(settings)) {
    await client.query(`ALTER DATABASE ${ident(database.name)} SET better_auth.${name} = '${value}'`);
  }
  const postgrest = await startStandIn({ connection: { database: database.name }, anonRole: anon, jwtSecret: SECRET, ...config });
  cleanup(t, () => postgrest.stop());
  let last = 0;
  const nextAddress = () => `203.0.113.${(last += 1)}`;
  const ask = async (address, path, { headers = {}, body = '{}' } = {}) => {
    const sent = { 'content-type': 'application/json', origin: 'http://app.example', 'x-forwarded-for': address, ...headers };
    const response = await fetch(`${postgrest.url}/rpc/${path}`, { method: 'POST', headers: sent, body });
    const text = await response.text();
    assert.notEqual(response.status, 501, text);
    return { status: response.status, text };
  };
  return { ask, nextAddress, client };
}

const JSON_HANDLER = {
  'content-type': 'application/octet-stream',
  'x-better-auth-method': 'POST',
  'x-better-auth-url': '/api/auth/sign-in/email',
  'x-better-auth-content-type': 'application/json',
};

/** What was found to go round the limit, and its like. Each of these runs the function. */
const FOUND = [
  ['sign_in_email', 'select=pgrst_scalar:pgrst_scalar-%3E%3Ecode::int'],
  ['sign_in_email', 'select=pgrst_scalar:pgrst_scalar-%3E%3Emessage::uuid'],
  ['sign_in_email', 'pgrst_scalar-%3E%3Emessage=like.*%5C'],
  ['sign_in_email', 'pgrst_scalar=eq.%7B%7D&order=pgrst_scalar-%3E%3Emessage'],
  ['sign_in_email', 'offset=1', { prefer: 'count=exact' }],
  ['sign_in_email', 'offset=9', { prefer: 'count=exact', accept: 'application/vnd.pgrst.object+json' }],
  ['sign_in_email', '', { prefer: 'tx=rollback' }],
  ['sign_in_email', '', { prefer: 'handling=strict, tx=rollback, count=exact', accept: 'text/csv' }],
  ['sign_in_email', 'columns=email,password'],
  // In 16 refused before the function runs: it returns no set.
  ['sign_in_email', '', { prefer: 'handling=strict, max-affected=0' }, [12]],
  ['better_auth_handler', 'pgrst_scalar=like.*INVALID*%5C%5C'],
  ['better_auth_handler', 'pgrst_scalar-%3E0=eq.1'],
  ['better_auth_handler', 'pgrst_scalar=is.null'],
  ['better_auth_handler', '', { prefer: 'tx=rollback' }],
];

for (const version of ENDS) {
  test(`wrong passwords are counted, whatever the URL and the headers make of the answer (PostgREST ${version})`, async (t) => {
    const { ask, nextAddress, client } = await serving(t, { version, txEnd: 'commit-allow-override' });
    await client.query(`SELECT better_auth.sign_up_email('ada@example.com', $1, 'Ada')`, [PASSWORD]);
    const wrong = JSON.stringify({ email: 'ada@example.com', password: 'a wrong password' });
    const right = JSON.stringify({ email: 'ada@example.com', password: PASSWORD });
    for (const [name, query, headers = {}, where = [version]] of FOUND) {
      if (!where.includes(version)) continue;
      const address = nextAddress();
      const sent = name === 'better_auth_handler' ? { ...JSON_HANDLER, ...headers } : headers;
      for (let round = 0; round < MAX; round += 1) await ask(address, `${name}?${query}`, { headers: sent, body: wrong });
      const { status } = await ask(address, 'sign_in_email', { body: right });
      assert.deepEqual([name, query, headers, status], [name, query, headers, 429]);
    }
  });

  test(`no combination of what a URL and headers can ask for takes a count back (PostgREST ${version})`, async (t) => {
    const { ask, nextAddress } = await serving(t, { version, txEnd: 'commit-allow-override' });
    const code = 'pgrst_scalar-%3E%3Ecode';
    const parts = {
      select: ['', 'select=pgrst_scalar', `select=pgrst_scalar:${code}`, `select=pgrst_scalar:${code}::int`],
      filter: ['', 'pgrst_scalar=not.is.null', `${code}=eq.x`, `pgrst_scalar-%3E%3Emessage=like.*e*%5C`, `or=(${code}.eq.x,not.and(${code}.like.*A*%5C,pgrst_scalar.is.null))`],
      order: ['', `order=${code}.desc.nullslast`],
      range: ['', 'limit=1', 'offset=1', 'limit=5&offset=3'],
      columns: [false, true],
      prefer: [undefined, 'tx=rollback', 'count=exact', 'tx=rollback, count=exact, handling=strict', 'return=minimal, missing=default, count=planned'],
      accept: ['*/*', 'application/vnd.pgrst.object+json', 'text/csv', 'application/json;q=0.1, text/html', 'application/vnd.pgrst.array+json;nulls=stripped'],
      rangeHeader: [undefined, '0-0', '3-1', '7-'],
    };
    // Each value of each part comes with the others in an order of its own.
    const pick = (list, turn, step) => list[(turn * step + Math.floor(turn / list.length)) % list.length];
    const names = Object.keys(CALLS);
    for (let turn = 0; turn < 90; turn += 1) {
      const chosen = Object.fromEntries(Object.entries(parts).map(([name, list], index) => [name, pick(list, turn, index + 1)]));
      const name = names[turn % names.length];
      const keys = Object.keys(CALLS[name]);
      const columns = chosen.columns && keys.length > 0 ? `columns=${keys.join(',')}` : '';
      const query = [chosen.select, chosen.filter, chosen.order, chosen.range, columns].filter(Boolean).join('&');
      const headers = { accept: chosen.accept };
      if (chosen.prefer) headers.prefer = chosen.prefer;
      if (chosen.rangeHeader) headers.range = chosen.rangeHeader;
      const address = nextAddress();
      const body = JSON.stringify(CALLS[name]);
      for (let round = 0; round < MAX; round += 1) await ask(address, `${name}?${query}`, { headers, body });
      const { status } = await ask(address, name, { body });
      assert.deepEqual([name, query, headers, status], [name, query, headers, 429]);
    }
  });
}

test('what keeps the function from running counts nothing, and tells nothing', async (t) => {
  const { ask, nextAddress } = await serving(t, {});
  const address = nextAddress();
  const body = JSON.stringify({ email: 'x', password: 'x' });
  for (const query of ['select=missing', 'order=missing', 'limit=0', 'limit=-1', 'email=x', 'columns=email', 'pgrst_scalar-%3E%3Emessage=match.(']) {
    for (let round = 0; round < MAX; round += 1) {
      const { text } = await ask(address, `sign_in_email?${query}`, { body });
      assert.doesNotMatch(text, /INVALID_EMAIL|Too many/);
    }
  }
  assert.equal((await ask(address, 'sign_in_email', { body })).status, 400);
});
