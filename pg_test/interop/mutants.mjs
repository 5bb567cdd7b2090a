// Requests that are nearly right: the same ones for the same seed.

import { BASE_URL, PASSWORD } from './lib.mjs';

const BODIES = {
  '/sign-up/email': { name: 'x', email: 'new@example.com', password: 'short', image: 'i', callbackURL: '/x', rememberMe: true },
  '/sign-in/email': { email: 'ada@example.com', password: PASSWORD, callbackURL: '/x', rememberMe: false },
  '/sign-in/social': { provider: 'github', idToken: { token: 'x' }, scopes: ['a'] },
  '/sign-out': {},
  '/update-user': { name: 'x', image: 'y' },
  '/update-session': { x: 1 },
  '/change-password': { currentPassword: PASSWORD, newPassword: 'short', revokeOtherSessions: true },
  '/change-email': { newEmail: 'new@example.com', callbackURL: '/' },
  '/delete-user': { token: 'x', callbackURL: '/', password: PASSWORD },
  '/request-password-reset': { email: 'ada@example.com', redirectTo: '/x' },
  '/reset-password': { token: 'x', newPassword: 'a new password' },
  '/send-verification-email': { email: 'ada@example.com', callbackURL: '/x' },
  '/revoke-session': { token: 'x' },
  '/unlink-account': { accountId: 'x' },
  '/get-access-token': { accountId: 'x', userId: 'y' },
  '/link-social': { provider: 'google', callbackURL: '/x' },
  '/callback/github': { code: 'x', state: 'y' },
};
const PATHS = [
  '/get-session?disableRefresh=x', '/list-sessions', '/list-accounts', '/verify-email?token=eyJhbGciOiJIUzI1NiJ9.e30.x&callbackURL=/x',
  '/reset-password/x?callbackURL=/x', '/delete-user/callback?token=x&callbackURL=/x', '/error?error=x&error_description=y', '/ok',
  '/account-info?accountId=x', '/callback/x?code=a&state=b&error=c', '/../insforge-token',
];
const ODD = [
  '', ' ', '\u0000', '\u0001', '\t', '\n', '\r\n', '"', "'", '\\', '%', '%00', '%ff', '%2f', '..', '//', ':', '@', '?', '#', '&', '=', ';',
  ',', '{', '[', '\u{1F600}', '\u0130', 'é', '\x80',
  '9'.repeat(30),
  '-1',
  'null',
  'true',
  '\ufeff',
  'x'.repeat(3000),
  '\\u0000',
  '\\ud800',
  '{"a":'.repeat(200),
  '['.repeat(2000),
  'http://',
  'https://elsewhere.example',
  BASE_URL,
  '127.0.0.1',
  '::1',
  '2001:db8::1',
];
const JSONS = [null, true, 0, -1, 1e308, '', 'x', [], {}, [[]], { a: { b: [] } }, '\u0001', 'é'];
const METHODS = ['GET', 'POST', 'PUT', 'HEAD', '', 'get', 'é', 'GET ', 'PROPFIND'];

function randomness(seed) {
  let state = seed * 7919;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/** What JSON in PostgreSQL can say of it, and HTTP as well: no NUL, no half of a pair. */
function possible({ method, url, headers, body }) {
  const plain = (text) => text.replaceAll('\0', '').toWellFormed();
  const fields = Object.entries(headers).map(([name, value]) => [plain(name), plain(value)]);
  return { method: plain(method), url: plain(url), headers: Object.fromEntries(fields), body: body && plain(body) };
}

/** So many requests, as the handler takes them. */
export function* mutants(seed, count, cookie) {
  const random = randomness(seed);
  const one = (list) => list[random(list.length)];
  const spliced = (text) => {
    const at = random(text.length + 1);
    return text.slice(0, at) + one(ODD) + text.slice(at + random(4));
  };
  const right = {
    origin: BASE_URL,
    cookie: `${cookie}; better-auth.session_data=x; better-auth.dont_remember=y`,
    'x-forwarded-for': '203.0.113.9',
    'user-agent': 'x',
    referer: BASE_URL,
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'cors',
    'x-forwarded-host': 'x',
    'x-forwarded-proto': 'http',
  };
  for (let index = 0; index < count; index++) {
    const path = random(3) ? one(Object.keys(BODIES)) : undefined;
    const body = path && { ...BODIES[path] };
    const sent = {
      method: body ? 'POST' : 'GET',
      url: `${BASE_URL}/api/auth${path ?? one(PATHS)}`,
      headers: { ...right },
      body: body ? JSON.stringify(body) : null,
    };
    if (body) sent.headers['content-type'] = 'application/json';
    for (let mutation = 0; mutation <= random(3); mutation++) {
      const name = one(Object.keys(sent.headers));
      [
        () => (sent.url = spliced(sent.url)),
        () => (sent.headers[name] = spliced(sent.headers[name])),
        () => delete sent.headers[name],
        () => (sent.headers[spliced(name)] = one(ODD)),
        () => (sent.method = one(METHODS)),
        () => body && (sent.body = spliced(sent.body)),
        () => body && (sent.body = JSON.stringify({ ...body, [one(Object.keys(body))]: one(JSONS) })),
        () => body && (sent.body = JSON.stringify(one(JSONS))),
      ][random(8)]();
    }
    yield possible(sent);
  }
}
