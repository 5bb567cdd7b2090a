// What get-session answers, as a function makes it.

import { APIError } from 'better-auth/api';
import { customSession, multiSession } from 'better-auth/plugins';
import { GET, POST, changeCompact } from '../../http.mjs';
import { PASSWORD, aged, differs, each, named } from '../common.mjs';

const BY = { by: 'ada' };
const signIn = POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD });

const FUNCTIONS = [];
/** One pair of databases for all, with the function of each. */
const columns = {
  plugins: 'custom-session',
  options: () => ({ plugins: [customSession((session) => session)] }),
  get sql() {
    return FUNCTIONS.join('\n');
  },
};

/** The plugin with a function, and ours in SQL: `body` is what the function does, given `session jsonb`. */
function group(name, make, body, { cases, returns = 'json', options = {}, settings = {} }) {
  const own = `public.custom_${FUNCTIONS.length}`;
  FUNCTIONS.push(`CREATE FUNCTION ${own}(session jsonb) RETURNS ${returns} LANGUAGE plpgsql AS $custom$ BEGIN ${body} END $custom$;`);
  return {
    name: `custom session, ${name}`,
    columns,
    options: () => ({ ...options, plugins: [customSession(make)] }),
    settings: { custom_session_function: own, ...settings },
    cases,
  };
}

// jsonb orders members itself; json says them in an order of one's own.
const MORE = `RETURN json_build_object('session', json_build_object('id', session->'session'->'id', 'expiresAt', session->'session'->'expiresAt'),
  'user', json_build_object('id', session->'user'->'id', 'email', session->'user'->'email', 'image', session->'user'->'image'),
  'members', (SELECT json_agg(name ORDER BY name) FROM jsonb_object_keys(session) name), 'roles', json_build_array('a', 'b'), 'é', '"<&>');`;
const more = ({ session, user, ...rest }) => ({
  session: { id: session.id, expiresAt: session.expiresAt },
  user: { id: user.id, email: user.email, image: user.image },
  members: ['session', 'user', ...Object.keys(rest)].sort(),
  roles: ['a', 'b'],
  é: '"<&>',
});

const QUERIES = ['', '?disableCookieCache=true', '?disableRefresh=true', '?disableCookieCache=x&disableRefresh=y', '?unknown=1', '?disableRefresh='];

export default [
  group('more of it', more, MORE, {
    cases: {
      'without a session': GET('/get-session'),
      'signed in': GET('/get-session', BY),
      'of another': GET('/get-session', { by: 'vera' }),
      'a session that has expired': [aged('-1 second', '-8 days'), GET('/get-session', BY)],
      'a session that is due': [aged('5 days', '-2 days'), GET('/get-session', BY), GET('/list-sessions', BY)],
      'a session that is due, not to be prolonged': [aged('5 days', '-2 days'), GET('/get-session?disableRefresh=true', BY)],
      'a session whose user is gone': [`DELETE FROM "user" WHERE id = '{{ada.id}}'`, GET('/get-session', BY)],
      'a cookie that is badly signed': GET('/get-session', { cookie: 'better-auth.session_token=x.y' }),
      'two cookies': GET('/get-session', { cookie: 'better-auth.session_token={{sign:ada.token}}; a=b' }),
      'after signing in': [{ ...signIn, as: 'new' }, GET('/get-session', { by: 'new' }), GET('/get-session', { jar: true })],
      'after signing in, not remembered': [
        { ...signIn, body: { ...signIn.body, rememberMe: false } },
        GET('/get-session', { jar: true }),
      ],
      'after signing out': [POST('/sign-out', {}, BY), GET('/get-session', BY)],
      ...named('by', each({ PUT: 'PUT', DELETE: 'DELETE', PATCH: 'PATCH' }, (method) => ({ method, path: '/get-session', by: 'ada' }))),
      'from elsewhere': GET('/get-session', { ...BY, headers: { origin: 'https://elsewhere.example' } }),
      'other routes as ever': [GET('/list-sessions', BY), POST('/update-user', { name: 'Ada L' }, BY), GET('/get-session', BY), GET('/list-accounts', BY)],
      'update-session as ever': POST('/update-session', { theme: 'x' }, BY),
      ...named('query', each(QUERIES, (query) => GET(`/get-session${query}`, BY))),
      'by POST': differs('customSessionPost', [POST('/get-session', {}, BY)], [404, ''], [405, 'METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED']),
    },
  }),
  group('cached', more, MORE, {
    options: { session: { cookieCache: { enabled: true } } },
    settings: { cookie_cache: 'on' },
    cases: {
      'out of the table': GET('/get-session', BY),
      'out of the cache': [signIn, GET('/get-session', { jar: true })],
      'not out of the cache': [signIn, GET('/get-session?disableCookieCache=true', { jar: true })],
      'a cache that was changed': [
        signIn,
        GET('/get-session', { jar: (jar) => ({ ...jar, 'better-auth.session_data': changeCompact(jar['better-auth.session_data'], (data) => data, 'x'.repeat(32)) }) }),
      ],
    },
  }),
  group('deferred', more, MORE, {
    options: { session: { deferSessionRefresh: true } },
    settings: { defer_session_refresh: 'on' },
    cases: {
      'not due': GET('/get-session', BY),
      'due': [aged('5 days', '-2 days'), GET('/get-session', BY)],
      'due, by POST': differs('customSessionPost', [aged('5 days', '-2 days'), POST('/get-session', {}, BY)], 404, 200, ({ answers }) => answers.at(-1).status),
    },
  }),
  group('something else', () => ({ a: [1, 'x', null, 1.5, {}, []] }), `RETURN '{"a": [1, "x", null, 1.5, {}, []]}';`, {
    cases: { 'signed in': GET('/get-session', BY), 'without a session': GET('/get-session') },
  }),
  group('a text', () => 'é "x"', `RETURN to_json('é "x"'::text);`, {
    cases: { 'signed in': differs('customSessionText', [GET('/get-session', BY)], 'é "x"', '"é \\"x\\""', ({ answers }) => answers[0].body) },
  }),
  group('nothing', () => null, `RETURN NULL;`, { cases: { 'signed in': GET('/get-session', BY), 'due': [aged('5 days', '-2 days'), GET('/get-session', BY)] } }),
  group('jsonb', () => ({ a: 1, bb: { c: true } }), `RETURN '{"a": 1, "bb": {"c": true}}'::jsonb;`, { returns: 'jsonb', cases: { 'signed in': GET('/get-session', BY) } }),
  group(
    'refused',
    ({ user }) => {
      if (user.email.startsWith('ada')) throw new APIError('FORBIDDEN', { message: 'Not you', code: 'NOT_YOU' });
      return { ok: true };
    },
    `IF session->'user'->>'email' LIKE 'ada%' THEN RAISE EXCEPTION 'Not you' USING ERRCODE = 'PT403', DETAIL = 'NOT_YOU'; END IF; RETURN '{"ok":true}';`,
    {
      cases: {
        'signed in': GET('/get-session', BY),
        'another': GET('/get-session', { by: 'vera' }),
        'other routes': GET('/list-sessions', BY),
        'due': differs(
          'hookUndone',
          [aged('5 days', '-2 days'), GET('/get-session', BY)],
          [403, [], '<now + 10080 min>'],
          [403, [], '<now + 7200 min>'],
          ({ answers: [{ status, cookies }], rows }) => [status, cookies, rows.session.find(({ token }) => token === '<ada.token>').expiresAt],
        ),
      },
    },
  ),
  ...[true, false].map((shouldMutateListDeviceSessionsEndpoint) => ({
    name: `custom session, a device’s sessions ${shouldMutateListDeviceSessionsEndpoint ? 'too' : 'as ever'}`,
    columns: {
      plugins: 'multi-session, custom-session',
      options: () => ({ plugins: [multiSession(), customSession((session) => session)] }),
      sql: `CREATE FUNCTION public.custom(session jsonb) RETURNS json LANGUAGE plpgsql AS $custom$ BEGIN
        RETURN json_build_object('email', session->'user'->'email', 'createdAt', session->'session'->'createdAt', 'id', session->'session'->'id'); END $custom$;`,
    },
    options: () => ({
      plugins: [
        multiSession(),
        customSession(({ session, user }) => ({ email: user.email, createdAt: session.createdAt, id: session.id }), undefined, {
          shouldMutateListDeviceSessionsEndpoint,
        }),
      ],
    }),
    settings: {
      custom_session_function: 'public.custom',
      custom_session_should_mutate_list_device_sessions_endpoint: shouldMutateListDeviceSessionsEndpoint ? 'on' : 'off',
    },
    cases: {
      'one': [signIn, GET('/multi-session/list-device-sessions', { jar: true })],
      'two': [
        signIn,
        { ...signIn, body: { ...signIn.body, email: 'vera@example.com' }, jar: true },
        GET('/multi-session/list-device-sessions', { jar: true }),
        GET('/get-session', { jar: true }),
      ],
      'none': GET('/multi-session/list-device-sessions'),
      'another path': [signIn, POST('/multi-session/revoke', { sessionToken: 'x' }, { jar: true })],
    },
  })),
];
