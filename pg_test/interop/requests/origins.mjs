// Who may ask: Origin, Referer and Sec-Fetch headers; and where an answer may lead.

import { GET, POST, signJwt } from '../http.mjs';
import { BASE_URL } from '../lib.mjs';
import { PASSWORD, answersAs, differs, each, named } from './common.mjs';

const ELSEWHERE = 'https://elsewhere.example';
const ada = { email: 'ada@example.com', password: PASSWORD };
// Each is one request to a route that only asks who may ask; the password is wrong, so nothing happens.
const signedIn = (headers) => POST('/sign-out', {}, { cookie: 'x=y', headers });
const signIn = (headers) => POST('/sign-in/email', { ...ada, password: 'wrong password' }, { headers: { origin: null, ...headers } });
const leadTo = (callbackURL, headers) => POST('/sign-in/email', { ...ada, password: 'wrong password', callbackURL }, { headers });

const ORIGINS = [
  BASE_URL, `${BASE_URL}/`, `${BASE_URL}/a?b`, 'http://127.0.0.1', 'http://127.0.0.1:4000', 'https://127.0.0.1:3999',
  'http://localhost:3999', 'HTTP://127.0.0.1:3999', 'http://127.0.0.1:03999', 'http://127.1:3999', 'http://2130706433:3999',
  'http://user@127.0.0.1:3999', 'http://127.0.0.1:3999.elsewhere.example', 'null', 'Null', '', ' ', '/', '/x', '//127.0.0.1:3999',
  '127.0.0.1:3999', 'x', 'about:blank', 'file:///x', 'http://', 'http:127.0.0.1:3999', 'http:/127.0.0.1:3999', 'http:\\\\127.0.0.1:3999',
  `${BASE_URL}, ${ELSEWHERE}`, `${ELSEWHERE}#${BASE_URL}`, ELSEWHERE,
];

const CALLBACKS = [
  '/', '/x', '/x?y=z#a', '//elsewhere.example', '/\\elsewhere.example', '\\/elsewhere.example', '///x', '/x//y', '/%2f',
  '/%2F%2Felsewhere.example', '/%5celsewhere.example', '/x?y=%2f', '/x#%2f', '/../x', '/./x/%2e%2e/y', '/x//../y', '/\t/elsewhere.example',
  '/x\ny', '/x y', '/é', '/\u0085', '/\u007f', '/\u2028', '/@elsewhere.example', '/:x', 'x', 'x/y', './x', '../x', '?x', '#x', ' /x',
  ELSEWHERE, `${ELSEWHERE}/x`, BASE_URL, `${BASE_URL}/x?y#z`, 'http://127.0.0.1:3999@elsewhere.example',
  'http://127.0.0.1:3999.elsewhere.example', 'http:/127.0.0.1:3999/x', 'http:127.0.0.1:3999', 'HTTP://127.0.0.1:3999/X',
  'http://localhost:3999/x', 'https://127.0.0.1:3999/x', 'javascript:alert(1)', 'JavaScript://127.0.0.1:3999/%0aalert(1)',
  'data:text/html,x', 'myapp://x', 'http://[::1]:3999', 'blob:http://127.0.0.1:3999/x', ' http://127.0.0.1:3999/x',
  'http://127.0.0.1:3999\\x', '127.0.0.1:3999', '',
];
// A parser of URLs drops the control characters.
const CONTROLS = [
  'ht\ttp://127.0.0.1:3999/x', 'http://127.0.0.1:3999/x\ny', 'http://127.0.0.1:3999/\u0000', 'http://127.0.0.1:3999/\u0085',
];
// What is left of these without dots is another server's.
const LEAVING = [
  '/..//x', '/.//elsewhere.example', '/..//elsewhere.example?x', '/%2e%2e//elsewhere.example', '/%2E//elsewhere.example',
  '/x/..//elsewhere.example', '/x/%2e%2e//elsewhere.example#y', '/../..//elsewhere.example', '/x/.././/elsewhere.example/',
];
// Where readers of URLs differ, and what is sent instead.
const SETTLED = {
  [`http://127.0.0.1:3999\\@elsewhere.example`]: 'http://127.0.0.1:3999/@elsewhere.example',
  'http:/127.0.0.1:3999/x': 'http://127.0.0.1:3999/x',
  'HTTP://127.1:3999/x': 'http://127.0.0.1:3999/x',
  'http://127.0.0.1:03999': 'http://127.0.0.1:3999/',
  '/x/../y?z#a': '/y?z#a',
  '/./x': '/x',
};
const SCHEMES = ['javascript:alert(1)', 'data:text/html,x', 'vbscript:x'];

const TRUSTED = [
  'https://app.example.com', 'https://*.example.org', '*.example.net', 'http://192.168.*.*', '10.0.*', 'myapp://', 'exp://192.168.*.*:*/*',
  'other://host/cb', 'https://port.example:*', 'http?://both.example', 'single?.example', 'https://slash.example/',
  'HTTPS://CAPITALS.EXAMPLE', 'https://**.deep.example',
];
const OTHERS = [
  'https://app.example.com', 'https://app.example.com/', 'http://app.example.com', 'https://app.example.com:443',
  'https://app.example.com:444', 'https://APP.example.com', 'https://app.example.com.', 'https://xapp.example.com',
  'https://app.example.comx', 'https://a.example.org', 'https://a.b.example.org', 'https://example.org', 'http://a.example.org',
  'https://a.example.org:8443', 'https://elsewhere.example/a.example.org', 'https://elsewhere.example?.example.org', 'https://.example.org',
  'https://a_b.example.org', 'https://elsewhere.example#.example.org', 'https://a.example.net', 'http://a.b.example.net',
  'https://example.net', 'http://a.example.net:81', 'ftp://a.example.net', 'myapp://a.example.net',
  'https://a.example.net.elsewhere.example', 'http://192.168.1.2', 'http://192.168.1.2:80', 'http://192.168.1.2:8080',
  'https://192.168.1.2', 'http://192.168.attacker.com', 'http://192.168.1.2.attacker.com', 'http://192.168.1', 'http://192.168.1.999',
  'http://10.0.0.1', 'https://10.0.3.4', 'https://10.0.evil.com', 'http://10.1.0.1', 'myapp://', 'myapp://x', 'myapp://x/y?z', 'MYAPP://x',
  'myapp:x', 'myapps://x', 'myapp:', 'exp://192.168.1.2:8081/--/x', 'exp://192.168.1.2:8081/', 'exp://192.168.1.2:8081',
  'exp://evil.com:1/x', 'exp://user@192.168.1.2:1/x', 'exp://192.168.1.2:1/../x', 'other://host/cb', 'other://host/cb/x',
  'other://host/cbx', 'other://host/cb/../x', 'other://host/cb/%2e%2e/x', 'other://host', 'other://HOST/cb', 'other://host2/cb',
  'other://host/cb?x#y', 'other://host/./cb', 'other:/host/cb', 'https://port.example', 'https://port.example:1', 'http://both.example',
  'https://both.example', 'https://single1.example', 'https://single.example', 'https://single12.example', 'https://slash.example',
  'https://capitals.example', 'https://a.deep.example', 'https://a.b.deep.example',
];

const TOKEN_OF_ADA = signJwt({ email: ada.email });
const GUARDED = ['/sign-in/email', '/sign-up/email'];
const FIELDS = ['callbackURL', 'redirectTo', 'errorCallbackURL', 'newUserCallbackURL'];
const link = (path, callbackURL) => GET(`${path}&callbackURL=${encodeURIComponent(callbackURL)}`);
const LINKS = {
  'verify-email': '/verify-email?token=x',
  'reset-password': '/reset-password/x?y=z',
  'delete-user': '/delete-user/callback?token=x',
};

export default [
  {
    name: 'origin',
    cases: {
      ...named(
        'with a cookie',
        each(ORIGINS, (origin) => signedIn({ origin })),
      ),
      'with a cookie, without an origin': signedIn({ origin: null }),
      'with an empty cookie, without an origin': POST('/sign-out', {}, { headers: { origin: null, cookie: '' } }),
      ...named(
        'with a cookie and a referer',
        each([`${BASE_URL}/page`, `${ELSEWHERE}/page`, 'null', 'x'], (referer) => signedIn({ origin: null, referer })),
      ),
      'an origin wins over a referer': signedIn({ origin: ELSEWHERE, referer: BASE_URL }),
      'a null origin and a referer': signedIn({ origin: 'null', referer: BASE_URL }),
      'an empty origin and a referer': signedIn({ origin: '', referer: BASE_URL }),
      'two origins': signedIn({ origin: [BASE_URL, ELSEWHERE] }),
      ...named(
        'null with sec-fetch-site',
        each(['same-origin', 'same-site', 'cross-site', 'none', 'Same-Origin'], (site) =>
          signedIn({ origin: 'null', 'sec-fetch-site': site }),
        ),
      ),
      'null, same-origin, to another host': {
        method: 'POST',
        url: 'http://elsewhere.example/api/auth/sign-out',
        body: {},
        cookie: 'x=y',
        headers: { origin: 'null', 'sec-fetch-site': 'same-origin' },
      },
      'null, same-origin, with forwarded headers': signedIn({
        origin: 'null',
        'sec-fetch-site': 'same-origin',
        'x-forwarded-host': 'elsewhere.example',
        'x-forwarded-proto': 'https',
      }),
      'without a cookie, from elsewhere': POST('/sign-out', {}, { headers: { origin: ELSEWHERE } }),
      ...named(
        'every POST',
        each(
          [
            '/sign-up/email', '/sign-in/email', '/sign-in/social', '/get-session', '/revoke-session', '/update-user', '/change-password',
            '/request-password-reset', '/reset-password', '/send-verification-email', '/callback/x', '/unknown', '/ok',
          ],
          (path) => POST(path, {}, { cookie: 'x=y', headers: { origin: ELSEWHERE } }),
        ),
      ),
      ...named(
        'no GET',
        each(['/get-session', '/list-sessions', '/ok', '/verify-email?token=x', '/callback/x'], (path) =>
          GET(path, { cookie: 'x=y', headers: { origin: ELSEWHERE, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } }),
        ),
      ),
      ...named(
        'sign-in without a cookie',
        each([...ORIGINS], (origin) => signIn({ origin })),
      ),
      'sign-in without anything': signIn({}),
      ...named(
        'sign-in with a referer',
        each([`${BASE_URL}/page`, `${ELSEWHERE}/page`], (referer) => signIn({ referer })),
      ),
      ...named(
        'sign-in with',
        each(
          {
            'cross-site navigate': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
            'cross-site navigate, from here': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', origin: BASE_URL },
            'cross-site cors, from here': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: BASE_URL },
            'cross-site cors, from elsewhere': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: ELSEWHERE },
            'cross-site cors, from nowhere': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
            'same-origin navigate, from nowhere': { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' },
            'same-origin navigate, null': { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', origin: 'null' },
            'same-origin, from here': { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', origin: BASE_URL },
            'only a mode': { 'sec-fetch-mode': 'navigate' },
            'only a dest': { 'sec-fetch-dest': 'document' },
            'a blank site': { 'sec-fetch-site': ' ' },
            'Cross-Site in capitals': { 'sec-fetch-site': 'Cross-Site', 'sec-fetch-mode': 'navigate', origin: BASE_URL },
            'cross-site navigate and a cookie': {
              'sec-fetch-site': 'cross-site',
              'sec-fetch-mode': 'navigate',
              origin: BASE_URL,
              cookie: 'x=y',
            },
          },
          signIn,
        ),
      ),
      ...named(
        'sign-up with',
        each(
          {
            'cross-site navigate': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
            'an origin from elsewhere': { origin: ELSEWHERE },
          },
          (headers) => POST('/sign-up/email', { name: 'x', ...ada }, { headers: { origin: null, ...headers } }),
        ),
      ),
      ...named(
        'what comes first',
        Object.assign(
          {},
          ...GUARDED.map((path) => ({
            [`${path}, origin before fields`]: POST(path, {}, { cookie: 'x=y', headers: { origin: ELSEWHERE } }),
            [`${path}, sec-fetch before fields`]: POST(
              path,
              {},
              { headers: { origin: null, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } },
            ),
            [`${path}, JSON before origin`]: { ...POST(path, undefined, { cookie: 'x=y', headers: { origin: ELSEWHERE } }), raw: '{' },
            [`${path}, type before origin`]: {
              ...POST(path, undefined, { cookie: 'x=y', headers: { origin: ELSEWHERE, 'content-type': 'text/plain' } }),
              raw: '{',
            },
            [`${path}, callbackURL before fields`]: POST(path, { callbackURL: ELSEWHERE }),
            [`${path}, origin before callbackURL`]: POST(
              path,
              { callbackURL: ELSEWHERE },
              { cookie: 'x=y', headers: { origin: ELSEWHERE } },
            ),
          })),
        ),
      ),
    },
  },
  {
    name: 'callbackURL',
    cases: {
      ...named('sign-in', {
        ...each(CALLBACKS, (callbackURL) => leadTo(callbackURL)),
        ...each(CONTROLS, (callbackURL) => answersAs('controlCharacters', leadTo(callbackURL), leadTo(ELSEWHERE))),
        ...each(LEAVING, (callbackURL) => answersAs('leavingPaths', leadTo(callbackURL), leadTo(ELSEWHERE))),
      }),
      ...Object.assign(
        {},
        ...FIELDS.map((field) =>
          named(
            field,
            each(
              {
                here: '/x',
                elsewhere: ELSEWHERE,
                number: 5,
                'true': true,
                'false': false,
                'null': null,
                object: {},
                array: [ELSEWHERE],
                'array of none': [],
              },
              (value) => POST('/sign-out', { [field]: value }),
            ),
          ),
        ),
      ),
      ...Object.assign(
        {},
        ...FIELDS.map((field) =>
          named(
            field,
            each(LEAVING, (url) => answersAs('leavingPaths', POST('/sign-out', { [field]: url }), POST('/sign-out', { [field]: ELSEWHERE }))),
          ),
        ),
      ),
      ...named(
        'what is sent: sign-in',
        Object.fromEntries(
          Object.entries(SETTLED).map(([url, sent]) => [
            url,
            answersAs('settledUrls', POST('/sign-in/email', { ...ada, callbackURL: url }), POST('/sign-in/email', { ...ada, callbackURL: sent })),
          ]),
        ),
      ),
      ...named(
        'what is sent: a mail',
        Object.fromEntries(
          Object.entries(SETTLED).map(([url, sent]) => [
            url,
            answersAs(
              'settledUrls',
              POST('/request-password-reset', { email: ada.email, redirectTo: url }),
              POST('/request-password-reset', { email: ada.email, redirectTo: sent }),
            ),
          ]),
        ),
      ),
      ...named(
        'what is sent: a link',
        Object.fromEntries(
          Object.entries(SETTLED).map(([url, sent]) => [
            url,
            answersAs(
              'settledUrls',
              link(`/verify-email?token=${TOKEN_OF_ADA}`, url),
              link(`/verify-email?token=${TOKEN_OF_ADA}`, sent),
            ),
          ]),
        ),
      ),
      'all four from elsewhere': POST('/sign-out', {
        newUserCallbackURL: ELSEWHERE,
        errorCallbackURL: ELSEWHERE,
        redirectTo: ELSEWHERE,
        callbackURL: ELSEWHERE,
      }),
      'three from elsewhere': POST('/sign-out', { newUserCallbackURL: ELSEWHERE, errorCallbackURL: ELSEWHERE, redirectTo: ELSEWHERE }),
      'in the query': POST(`/sign-out?callbackURL=${ELSEWHERE}`, {}),
      'in the query, twice': POST(`/sign-out?callbackURL=${ELSEWHERE}&callbackURL=/x`, {}),
      'in both': POST(`/sign-out?callbackURL=${ELSEWHERE}`, { callbackURL: '/x' }),
      'redirectTo in the query is nothing': POST(`/sign-out?redirectTo=${ELSEWHERE}`, {}),
      'in the body of a text': { ...POST('/sign-out'), raw: '"callbackURL"' },
      'of an unknown route': POST('/unknown', { callbackURL: ELSEWHERE }),
      ...Object.assign(
        {},
        ...Object.entries(LINKS).map(([name, path]) =>
          named(name, {
            // Another place with a base URL than without one; reset-password has one.
            ...each(CALLBACKS, (callbackURL) =>
              name === 'reset-password' && /^http:\/?1/.test(callbackURL)
                ? answersAs('settledUrls', link(path, callbackURL), link(path, callbackURL.replace(/^http:\/?/, 'http://')))
                : link(path, callbackURL),
            ),
            ...each(CONTROLS, (callbackURL) => answersAs('controlCharacters', link(path, callbackURL), link(path, ELSEWHERE))),
            ...each(LEAVING, (callbackURL) => answersAs('leavingPaths', link(path, callbackURL), link(path, ELSEWHERE))),
          }),
        ),
      ),
      ...Object.assign(
        {},
        ...Object.entries(LINKS).map(([name, path]) => ({
          [`${name}, twice`]: GET(`${path}&callbackURL=/a&callbackURL=${ELSEWHERE}`),
          [`${name}, a plus`]: GET(`${path}&callbackURL=/a+b%2Bc`),
        })),
      ),
    },
  },
  {
    name: 'trustedOrigins',
    options: () => ({ trustedOrigins: TRUSTED }),
    settings: { trusted_origins: TRUSTED.join(',') },
    cases: {
      ...named(
        'origin',
        each(OTHERS, (origin) => signedIn({ origin })),
      ),
      ...named(
        'callbackURL',
        each([...OTHERS, '/x', '//a.example.net', ELSEWHERE], (callbackURL) => leadTo(callbackURL)),
      ),
      'sign-in with a callbackURL of an app': POST('/sign-in/email', { ...ada, callbackURL: 'myapp://home?x=y' }),
      'a redirect to an app': [
        POST('/request-password-reset', { email: ada.email, redirectTo: 'myapp://reset?x=y#z' }),
        GET('{{mail.url}}'),
      ],
    },
  },
  {
    name: 'trustedOrigins of everything',
    options: () => ({ trustedOrigins: ['*'] }),
    settings: { trusted_origins: '*' },
    cases: {
      ...named(
        'origin',
        each([ELSEWHERE, 'http://x', 'myapp://x', 'x', 'null', 'about:blank'], (origin) => signedIn({ origin })),
      ),
      ...named(
        'callbackURL',
        each([ELSEWHERE, '//x', 'javascript:alert(1)', 'myapp://x', 'data:,x'], (callbackURL) => leadTo(callbackURL)),
      ),
    },
  },
  {
    name: 'disableCSRFCheck',
    options: () => ({ advanced: { disableCSRFCheck: true } }),
    settings: { disable_csrf_check: 'on' },
    cases: {
      'from elsewhere': signedIn({ origin: ELSEWHERE }),
      'sign-in from elsewhere': signIn({ origin: ELSEWHERE, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
      'callbackURL': leadTo(ELSEWHERE),
      'a link': GET(`${LINKS['verify-email']}&callbackURL=${ELSEWHERE}`),
    },
  },
  {
    name: 'disableOriginCheck',
    options: () => ({ advanced: { disableOriginCheck: true } }),
    settings: { disable_origin_check: 'on' },
    cases: {
      'from elsewhere': signedIn({ origin: ELSEWHERE }),
      'sign-in from elsewhere': signIn({ origin: ELSEWHERE, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
      'callbackURL': leadTo(ELSEWHERE),
      'callbackURL of a number': differs('controlCharacters', [leadTo(5)], [400, 'VALIDATION_ERROR'], [400, undefined]),
      ...each(SCHEMES, (callbackURL) =>
        differs('controlCharacters', [leadTo(callbackURL)], [401, 'INVALID_EMAIL_OR_PASSWORD'], [403, 'INVALID_CALLBACK_URL']),
      ),
      'a link': GET(`${LINKS['verify-email']}&callbackURL=${ELSEWHERE}`),
    },
  },
  ...[true, false].flatMap((csrf) =>
    [true, false].map((origin) => ({
      name: `disableCSRFCheck ${csrf}, disableOriginCheck ${origin}`,
      options: () => ({ advanced: { disableCSRFCheck: csrf, disableOriginCheck: origin } }),
      settings: { disable_csrf_check: csrf ? 'on' : 'off', disable_origin_check: origin ? 'on' : 'off' },
      cases: {
        'with a cookie, from elsewhere': signedIn({ origin: ELSEWHERE }),
        'with a cookie, from nowhere': signedIn({ origin: null }),
        ...named(
          'sign-in',
          each(
            {
              'cross-site navigation': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
              'cross-site navigation, from here': { origin: BASE_URL, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
              'cross-site navigation, with a cookie': { cookie: 'x=y', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
              'cross-site': { origin: ELSEWHERE, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' },
              'from elsewhere': { origin: ELSEWHERE },
              'of a browser that says nothing else': { 'sec-fetch-dest': 'empty' },
              'of no browser': {},
            },
            (headers) => signIn(headers),
          ),
        ),
        'callbackURL': leadTo(ELSEWHERE),
        'a link': GET(`${LINKS['verify-email']}&callbackURL=${ELSEWHERE}`),
      },
    })),
  ),
  ...['HTTP://127.0.0.1:3999', 'http://127.0.0.1:3999/', 'http://127.1:3999', 'https://App.Example:443', 'https://app.example./'].map((baseURL) => ({
    name: `a baseURL of ${baseURL}`,
    options: () => ({ baseURL, advanced: { useSecureCookies: false } }),
    settings: { base_url: baseURL, use_secure_cookies: 'off' },
    cases: {
      ...named(
        'origin',
        each([BASE_URL, 'https://app.example', 'https://app.example:443', 'https://APP.example', 'https://app.example.'], (origin) => signedIn({ origin })),
      ),
      'a callbackURL': leadTo('https://app.example/x'),
      'a redirect': GET('/reset-password/x?callbackURL=/reset'),
    },
  })),
  {
    name: 'without a baseURL',
    options: () => ({ baseURL: undefined, advanced: { useSecureCookies: false } }),
    settings: { base_url: '' },
    cases: {
      'its own origin': signedIn({}),
      'from elsewhere': signedIn({ origin: ELSEWHERE }),
      'another host, and its origin': {
        method: 'POST',
        url: 'http://localhost:4000/api/auth/sign-out',
        body: {},
        cookie: 'x=y',
        headers: { origin: 'http://localhost:4000' },
      },
      'another host, and this origin': { method: 'POST', url: 'http://localhost:4000/api/auth/sign-out', body: {}, cookie: 'x=y' },
      'forwarded headers are not believed': signedIn({
        origin: 'https://proxy.example',
        'x-forwarded-host': 'proxy.example',
        'x-forwarded-proto': 'https',
      }),
      'a callbackURL of its own': leadTo(`${BASE_URL}/x`),
      'a link in a mail': POST('/request-password-reset', { email: ada.email, redirectTo: '/reset' }),
      'a redirect': GET('/reset-password/x?callbackURL=/reset'),
      'get-session': GET('/get-session', { by: 'ada' }),
      'sign-in': POST('/sign-in/email', ada),
    },
  },
  {
    name: 'trustedProxyHeaders without a baseURL',
    options: () => ({ baseURL: undefined, advanced: { useSecureCookies: false, trustedProxyHeaders: true } }),
    settings: { base_url: '', trusted_proxy_headers: 'on' },
    cases: {
      ...named(
        'forwarded',
        each(
          {
            'both': { 'x-forwarded-host': 'proxy.example', 'x-forwarded-proto': 'https' },
            'with a port': { 'x-forwarded-host': 'proxy.example:8443', 'x-forwarded-proto': 'https' },
            'only the host': { 'x-forwarded-host': 'proxy.example' },
            'another proto': { 'x-forwarded-host': 'proxy.example', 'x-forwarded-proto': 'ftp' },
            'a list': { 'x-forwarded-host': 'proxy.example, other', 'x-forwarded-proto': 'https' },
            'a bad host': { 'x-forwarded-host': '<x>', 'x-forwarded-proto': 'https' },
            'an IPv6 host': { 'x-forwarded-host': '[::1]:80', 'x-forwarded-proto': 'http' },
            'the port of https': { 'x-forwarded-host': 'proxy.example:443', 'x-forwarded-proto': 'https' },
            'the port of http': { 'x-forwarded-host': 'proxy.example:80', 'x-forwarded-proto': 'http' },
            'the other’s port': { 'x-forwarded-host': 'proxy.example:80', 'x-forwarded-proto': 'https' },
            'capitals': { 'x-forwarded-host': 'PROXY.Example', 'x-forwarded-proto': 'https' },
            'capitals and a port': { 'x-forwarded-host': 'PROXY.Example:443', 'x-forwarded-proto': 'https' },
            'a port with zeros': { 'x-forwarded-host': 'proxy.example:00443', 'x-forwarded-proto': 'https' },
            'a port that is none': { 'x-forwarded-host': 'proxy.example:99999', 'x-forwarded-proto': 'https' },
            'a dot at the end': { 'x-forwarded-host': 'proxy.example.', 'x-forwarded-proto': 'https' },
            'a list of protos': { 'x-forwarded-host': 'proxy.example', 'x-forwarded-proto': 'https, http' },
            'a proto in capitals': { 'x-forwarded-host': 'proxy.example', 'x-forwarded-proto': 'HTTPS' },
            'spaces': { 'x-forwarded-host': ' proxy.example ', 'x-forwarded-proto': ' https ' },
            'two headers': { 'x-forwarded-host': ['proxy.example', 'other.example'], 'x-forwarded-proto': 'https' },
            'Forwarded': { forwarded: 'host=proxy.example;proto=https' },
            'digits': { 'x-forwarded-host': '127.1:443', 'x-forwarded-proto': 'https' },
          },
          (headers) => [
            GET('/reset-password/x?callbackURL=/reset', { headers }),
            signedIn({ ...headers, origin: 'https://proxy.example' }),
            signedIn({ ...headers, origin: 'http://proxy.example' }),
            signedIn({ ...headers, origin: 'http://[::1]' }),
            signedIn({ ...headers, origin: 'null', 'sec-fetch-site': 'same-origin' }),
            signedIn(headers),
          ],
        ),
      ),
    },
  },
];
