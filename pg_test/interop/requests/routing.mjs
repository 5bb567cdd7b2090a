// Which requests reach an endpoint at all.

import { GET, POST } from '../http.mjs';
import { differs, each, named } from './common.mjs';

const at = (url, method = 'GET') => ({ method, url });
export const ROUTES = {
  POST: [
    '/sign-up/email', '/sign-in/email', '/sign-in/social', '/sign-out', '/revoke-session', '/revoke-sessions', '/revoke-other-sessions',
    '/update-user', '/update-session', '/change-password', '/verify-password', '/change-email', '/delete-user', '/request-password-reset',
    '/reset-password', '/send-verification-email', '/unlink-account', '/link-social', '/get-access-token', '/refresh-token',
  ],
  GET: [
    '/get-session', '/list-sessions', '/list-accounts', '/account-info', '/verify-email', '/delete-user/callback', '/ok', '/error',
    '/callback/google', '/reset-password/token',
  ],
};
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

export default [
  {
    name: 'routing',
    cases: {
      ...named(
        'ok',
        each({ plain: '/ok', 'with a query': '/ok?x=1', 'with a fragment': '/ok#x' }, (path) => GET(path)),
      ),
      'ok with a cookie from elsewhere': GET('/ok', { cookie: 'x=y', headers: { origin: 'https://elsewhere.example' } }),
      ...named(
        'url',
        each(
          [
            '/', '/api', '/api/', '/api/auth', '/api/auth/', '/api/auth?x=1', '/ok', '/api/auth/ok/', '/api/auth/ok//', '/api/auth//ok',
            '//api/auth/ok', '/api//auth/ok', '/api/auth/ok/x', '/api/auth/okay', '/api/auth/OK', '/API/auth/ok', '/api/authok',
            '/api/auth/./ok', '/api/auth/x/../ok', '/api/auth/../auth/ok', '/api/auth/%6fk', '/api/auth/ok%2f', '/api/auth%2Fok',
            '/api/auth/ok%00', '/api/auth/ok;x', '/api/auth/ok ', '/api/auth/\\ok', '/api/auth\\ok', '/api/auth/ok?', '/api/auth/ok??',
            '/api/auth/unknown', '/api/auth/set-password', '/api/auth/sign-in', '/api/auth/__proto__', '/api/auth/constructor',
            '/api/auth/callback', '/api/auth/callback/', '/api/auth/callback/a/b', '/api/auth/reset-password/',
            '/api/auth/reset-password/a/b', 'http://127.0.0.1:3999/api/auth/ok', 'http://elsewhere.example/api/auth/ok',
            'https://127.0.0.1:3999/api/auth/ok', 'HTTP://LOCALHOST/api/auth/ok', 'http://[::1]:3999/api/auth/ok',
            'http://ünïcode.example/api/auth/ok',
          ],
          (url) => at(url),
        ),
      ),
      'a url of 20 kB': differs('bounds', [GET(`/ok?${'x'.repeat(20_000)}`)], [200, undefined], [414, '']),
      'ok by POST': POST('/ok', {}),
      'set-password isn’t there': POST('/set-password', { newPassword: 'a new password' }, { by: 'ada' }),
      'a trailing slash with a body': POST('/sign-in/email/', { email: 'ada@example.com', password: 'x' }),
      'an unknown route from elsewhere': POST('/unknown', {}, { by: 'ada', headers: { origin: 'https://elsewhere.example' } }),
      ...Object.assign(
        {},
        ...Object.entries(ROUTES).flatMap(([right, paths]) =>
          paths.map((path) =>
            named(
              path,
              each(
                METHODS.filter((method) => method !== right && !['GET', 'POST'].includes(method)),
                (method) => ({ method, path }),
              ),
            ),
          ),
        ),
        ...ROUTES.POST.map((path) => ({ [`${path}: GET`]: GET(path) })),
        ...ROUTES.GET.map((path) => ({ [`${path}: POST`]: POST(path, {}) })),
      ),
      ...named(
        'error',
        each(
          [
            '', '?error=', '?error=access_denied', '?error=INVALID_TOKEN', '?error=a%20b', '?error=<script>', '?error=%27x%27',
            '?error=a&error=b', '?error=%C3%A9', '?error=a+b', '?error_description=Why%3F', '?error=x&error_description=<b>%26"%27',
            '?error=x&error_description=', '?error=x&error_description=%F0%9F%98%80+%E2%82%AC*-._~', '?x=y', '?error=%ff',
          ],
          (query) => GET(`/error${query}`),
        ),
      ),
    },
  },
  {
    name: 'disabledPaths',
    options: () => ({ disabledPaths: ['/sign-up/email', '/get-session', '/reset-password/token'] }),
    settings: { disabled_paths: '/sign-up/email, /get-session, /reset-password/token' },
    cases: {
      'POST': POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: 'password1234' }),
      'GET': GET('/get-session', { by: 'ada' }),
      'another method': { method: 'PUT', path: '/get-session' },
      'with a slash': GET('/get-session/'),
      'with slashes': GET('/get-session//'),
      'with a query': GET('/get-session?x=1'),
      'in capitals': GET('/GET-SESSION'),
      'with a parameter': GET('/reset-password/token?callbackURL=/'),
      'another parameter': GET('/reset-password/token2?callbackURL=/'),
      'another path': GET('/ok'),
      'from elsewhere': POST('/sign-up/email', {}, { by: 'ada', headers: { origin: 'https://elsewhere.example' } }),
    },
  },
  {
    name: 'skipTrailingSlashes',
    options: () => ({ advanced: { skipTrailingSlashes: true }, disabledPaths: ['/list-accounts'] }),
    settings: { skip_trailing_slashes: 'on', disabled_paths: '/list-accounts' },
    cases: {
      ...named(
        'url',
        each(
          [
            '/api/auth/ok', '/api/auth/ok/', '/api/auth/ok//', '/api/auth/ok/?x=1', '/api/auth/ok/#x', '/api/auth//ok/', '/api/auth/', '/api/auth',
            '/api/auth//', '/api/auth/ok/.', '/api/auth/ok/x/..', '/api/auth/ok%2f', '/api/auth/ok/%2f', '/api/auth/unknown/', '/api/auth/callback/',
            '/api/auth/callback/a/b/', '/api/auth/reset-password/', '/api/auth/reset-password//', '/api/auth/list-accounts/', '/api/auth/error/?error=x',
          ],
          (url) => at(url),
        ),
      ),
      'get-session': GET('/get-session/', { by: 'ada' }),
      'sign-in': POST('/sign-in/email/', { email: 'ada@example.com', password: 'a wrong password' }),
      'sign-in from elsewhere': POST('/sign-in/email/', { email: 'ada@example.com', password: 'x' }, { headers: { origin: 'https://elsewhere.example' } }),
      'an update': [POST('/update-user/', { name: 'Augusta' }, { by: 'ada' }), GET('/get-session', { by: 'ada' })],
      'a link of a mail': [
        POST('/request-password-reset/', { email: 'ada@example.com', redirectTo: '/reset' }),
        GET('/reset-password/{{mail.token}}/?callbackURL=/reset'),
      ],
      'a token that is none': GET('/reset-password/x/?callbackURL=/reset'),
      'a callback': [GET('/callback/google/?state=x'), POST('/callback/google/', { state: 'x' })],
      'another method': { method: 'PUT', path: '/ok/' },
    },
  },
  {
    name: 'another basePath',
    options: () => ({ basePath: '/auth' }),
    settings: { base_path: '/auth' },
    basePath: '/auth',
    cases: {
      'ok': GET('/ok'),
      'the old one': at('/api/auth/ok'),
      'session': GET('/get-session', { by: 'ada' }),
      'a link in a mail': POST('/request-password-reset', { email: 'ada@example.com', redirectTo: '/reset' }),
      'a redirect': GET('/reset-password/token?callbackURL=/reset'),
    },
  },
  {
    name: 'basePath with a slash at its end',
    options: () => ({ basePath: '/auth/' }),
    settings: { base_path: '/auth/' },
    basePath: '/auth',
    cases: { 'ok': GET('/ok'), 'a link': POST('/request-password-reset', { email: 'ada@example.com' }) },
  },
  {
    name: 'basePath of nothing',
    options: () => ({ basePath: '/' }),
    settings: { base_path: '/' },
    basePath: '',
    cases: {
      'ok': GET('/ok'),
      'session': GET('/get-session', { by: 'ada' }),
      'the usual one': at('/api/auth/ok'),
      'a link in a mail': POST('/request-password-reset', { email: 'ada@example.com', redirectTo: '/reset' }),
    },
  },
  {
    name: 'baseURL with a path',
    options: () => ({ baseURL: 'http://127.0.0.1:3999/custom' }),
    settings: { base_url: 'http://127.0.0.1:3999/custom' },
    basePath: '/custom',
    cases: {
      'ok': GET('/ok'),
      'the usual one': at('/api/auth/ok'),
      'session': GET('/get-session', { by: 'ada' }),
      'a link in a mail': POST('/request-password-reset', { email: 'ada@example.com', redirectTo: '/reset' }),
    },
  },
];
