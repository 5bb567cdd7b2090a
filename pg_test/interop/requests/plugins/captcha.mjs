// The plugin captcha: what a service has given a browser, which is asked about it.

import { captcha } from 'better-auth/plugins';
import { GET, POST } from '../../http.mjs';
import { PASSWORD, each, named } from '../common.mjs';

const KEY = 'a secret & key';
const PROVIDERS = ['cloudflare-turnstile', 'google-recaptcha', 'hcaptcha', 'captchafox'];

const json = (value) => ({ body: JSON.stringify(value) });
/** What the service answers to each response. */
const ANSWERS = {
  right: json({ success: true }),
  wrong: json({ success: false, 'error-codes': ['invalid-input-response'] }),
  'a number': json({ success: 1 }),
  'a text': json({ success: 'false' }),
  'an empty text': json({ success: '' }),
  'a low score': json({ success: true, score: 0.4 }),
  'a fair score': json({ success: true, score: 0.5 }),
  'a high score': json({ success: true, score: 0.9 }),
  'a score that is a text': json({ success: true, score: '0.1' }),
  'a high score, wrong': json({ success: false, score: 0.9 }),
  'an action': json({ success: true, score: 0.9, action: 'sign-in' }),
  'another action': json({ success: true, action: 'other' }),
  'a host': json({ success: true, action: 'sign-in', hostname: 'app.example' }),
  'another host': json({ success: true, action: 'sign-in', hostname: 'evil.example' }),
  'a host in capitals': json({ success: true, action: 'sign-in', hostname: 'APP.example' }),
  'no object': json([{ success: true }]),
  'null': json(null),
  'zero': json(0),
  'true': json(true),
  'a page': { body: '<html></html>', type: 'text/html' },
  'JSON that says it is text': { ...json({ success: true }), type: 'text/plain' },
  'JSON of no type': { ...json({ success: true }), type: null },
  'a broken object': { body: '{"success":tr' },
  'nothing': { body: '' },
  'status 400': { status: 400, ...json({ success: true }) },
  'status 500': { status: 500, body: 'oops', type: 'text/plain' },
  'status 302': { status: 302, body: '' },
  'out of reach': undefined,
  'é + & =%': json({ success: true }),
};
const responseOf = ({ headers, body }) => (headers.get('content-type') === 'application/json' ? JSON.parse(body).response : new URLSearchParams(body).get('response'));
const outside = (request) => ANSWERS[responseOf(request)];

const solved = (response, more) => ({ headers: { 'x-captcha-response': response, 'x-forwarded-for': '203.0.113.7', ...more } });
const signIn = (options) => POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD }, options);
const signUp = (options) => POST('/sign-up/email', { email: 'nobody@example.com', name: 'New', password: PASSWORD }, options);
const forgot = (options) => POST('/request-password-reset', { email: 'ada@example.com' }, options);

const columns = { plugins: 'captcha', options: () => ({}), sql: '' };
const group = (name, options, settings, cases, rest) => ({
  name: `captcha${name}`,
  columns,
  options: () => ({ plugins: [captcha({ secretKey: KEY, ...options })] }),
  settings: Object.fromEntries(Object.entries({ provider: options.provider, ...settings }).map(([key, value]) => [`captcha_${key}`, value])),
  sql: `SELECT better_auth.set_secret('captcha', '${KEY}')`,
  outside,
  cases,
  ...rest,
});
const all = named('', each(Object.keys(ANSWERS), (response) => signIn(solved(response))));

const more = {
  'sign-up': [signUp(solved('right')), GET('/get-session', { jar: true })],
  'sign-up, wrong': signUp(solved('wrong')),
  'request-password-reset': [forgot(solved('right')), forgot(solved('wrong'))],
  'without a response': [signIn(), signUp(), forgot()],
  'an empty response': signIn({ headers: { 'x-captcha-response': '' } }),
  'an address of IPv6': signIn(solved('right', { 'x-forwarded-for': '2001:db8:1:2:3:4:5:6' })),
  'no address': signIn(solved('right', { 'x-forwarded-for': 'x' })),
  'a wrong password': POST('/sign-in/email', { email: 'ada@example.com', password: 'wrong password' }, solved('right')),
  'a wrong body': POST('/sign-in/email', { email: 5 }, solved('right')),
  'a wrong body, without a response': POST('/sign-in/email', { email: 5 }),
  'another method': [GET('/sign-in/email'), GET('/sign-in/email', solved('right')), { method: 'DELETE', path: '/sign-up/email' }],
  'another origin': signIn({ headers: { origin: 'https://elsewhere.example' } }),
  'another origin, right': signIn(solved('right', { origin: 'https://elsewhere.example' })),
  'a slash at the end': POST('/sign-in/email/', {}),
  'two slashes': POST('//sign-in//email', {}),
  'a path that goes on': POST('/sign-in/email/x', {}),
  'another path': [GET('/get-session', { by: 'ada' }), POST('/sign-out', {}, { by: 'ada' })],
  'a query': POST('/sign-in/email?x=/sign-up/email', { email: 'ada@example.com', password: PASSWORD }, solved('right')),
  'capitals': POST('/Sign-In/email', {}),
};

const NAMES = { expectedAction: 'sign-in', allowedHostnames: ['app.example', 'www.app.example'] };
const NAMES_SET = { expected_action: 'sign-in', allowed_hostnames: 'app.example, www.app.example' };

export default [
  ...PROVIDERS.map((provider) => group(`, ${provider}`, { provider }, {}, { ...all, ...more })),
  ...PROVIDERS.map((provider) =>
    group(`, ${provider}, with all its options`, { provider, ...NAMES, minScore: 0.8, siteKey: 'a site key', siteVerifyURLOverride: 'https://verify.example/x?y=z' }, { ...NAMES_SET, min_score: 0.8, site_key: 'a site key', site_verify_url_override: 'https://verify.example/x?y=z' }, all),
  ),
  group(', paths', { provider: 'hcaptcha', endpoints: ['/sign-out', '/list-*', '/update/**'] }, { endpoints: '/sign-out, /list-*, /update/**' }, {
    'sign-in': signIn(),
    'sign-out': [POST('/sign-out', {}, { by: 'ada' }), POST('/sign-out', {}, { by: 'ada', ...solved('right') }), GET('/get-session', { by: 'ada' })],
    ...named('path', each(['/list-sessions', '/list-accounts', '/list-/x', '/list', '/update-user', '/update/x', '/update/x/y', '/update', '/'], (path) => GET(path))),
  }),
  group(', rate limits', { provider: 'hcaptcha' }, {}, { 'five times': Array.from({ length: 5 }, (_, time) => signIn(time % 2 ? solved('wrong') : {})), 'right': Array.from({ length: 5 }, () => signIn(solved('right'))) }, {
    options: () => ({ plugins: [captcha({ secretKey: KEY, provider: 'hcaptcha' })], rateLimit: { enabled: true } }),
    settings: { captcha_provider: 'hcaptcha', rate_limit: 'on', rate_limit_storage: 'database' },
  }),
  group(', a path of its own', { provider: 'hcaptcha' }, {}, { 'sign-in': [signIn(), signIn(solved('right'))] }, {
    options: () => ({ plugins: [captcha({ secretKey: KEY, provider: 'hcaptcha' })], basePath: '/auth' }),
    settings: { captcha_provider: 'hcaptcha', base_path: '/auth' },
    basePath: '/auth',
  }),
  group(', without a key', { provider: 'hcaptcha', secretKey: '' }, {}, { 'sign-in': [signIn(), signIn(solved('right'))], 'another path': GET('/get-session') }, { sql: `DELETE FROM better_auth.signing_secret WHERE name = 'captcha'` }),
];
