// Fields of user and session that Better Auth's options declare and this extension's settings list.

import { GET, POST } from '../http.mjs';
import { PASSWORD, each, named, uncached } from './common.mjs';

const BY = { by: 'ada' };
const up = (fields) => POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD, ...fields });
const update = (fields) => POST('/update-user', fields, BY);
const session = (fields) => POST('/update-session', fields, BY);
const all = { nickname: 'Evi', age: 41, newsletter: true, born: '1985-04-05T06:07:08.009Z' };

const columns = {
  options: () => ({
    user: {
      additionalFields: {
        nickname: { type: 'string', required: false },
        age: { type: 'number', required: false },
        newsletter: { type: 'boolean', required: false },
        born: { type: 'date', required: false },
        role: { type: 'string', required: false, input: false },
      },
    },
    session: {
      additionalFields: {
        theme: { type: 'string', required: false },
        seen: { type: 'number', required: false },
        origin: { type: 'string', required: false, input: false },
      },
    },
  }),
  sql: `ALTER TABLE better_auth."user" ADD nickname text, ADD age integer, ADD newsletter boolean, ADD born timestamptz, ADD role text;
        ALTER TABLE better_auth.session ADD theme text, ADD seen integer, ADD origin text`,
};
const settings = {
  user_additional_fields: 'nickname, age, newsletter, born, role:readonly',
  session_additional_fields: 'theme,seen,origin:readonly',
};

const cases = {
  'sign-up': [up(all), POST('/sign-in/email', { email: 'eve@example.com', password: PASSWORD })],
  'sign-up without them': up(),
  'sign-up with null': up({ nickname: null, age: null, newsletter: null, born: null }),
  'sign-up with an empty text': up({ nickname: '' }),
  'sign-up with one that is not allowed': up({ role: 'admin' }),
  'sign-up with one that is not allowed, but empty': up({ role: '' }),
  'sign-up with one that is not allowed, but null': up({ role: null }),
  'sign-up with one that is not there': up({ unknown: 1 }),
  'sign-up of a taken email': up({ email: 'ada@example.com', ...all }),
  'get-session': [
    `UPDATE "user" SET nickname = 'N', age = 7, newsletter = false, born = '2000-01-02 03:04:05.678+00', role = 'user'; UPDATE session SET theme = 'dark', seen = 3, origin = 'web'`,
    GET('/get-session', BY),
    GET('/list-sessions', BY),
    POST('/change-password', { currentPassword: PASSWORD, newPassword: 'a new password' }, BY),
  ],
  'update-user': [update(all), GET('/get-session', BY)],
  ...named(
    'update-user',
    each(
      [
        { nickname: 'N' }, { nickname: null }, { age: 0 }, { age: -1 }, { newsletter: false }, { born: null }, { role: 'admin' },
        { role: '' }, { role: null }, { role: 'admin', name: 'Augusta' }, { role: null, name: 'Augusta' },
        { nickname: 'N', name: 'Augusta', image: 'i' }, { theme: 'dark' }, { age: null, unknown: 1 },
      ],
      (fields) => update(fields),
    ),
  ),
  'update-session': [session({ theme: 'dark', seen: 5 }), GET('/get-session', BY)],
  ...named(
    'update-session',
    each(
      [
        { theme: null }, { theme: '' }, { seen: 0 }, { origin: 'x' }, { origin: null }, { origin: '', theme: 'dark' },
        { theme: 'dark', token: 'x', userId: 'y' }, { nickname: 'x' },
      ],
      (fields) => session(fields),
    ),
  ),
  'update-session, not remembered': [
    POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD, rememberMe: false }),
    POST('/update-session', { theme: 'dark' }, { jar: true }),
  ],
  'a mail': POST('/request-password-reset', { email: 'ada@example.com' }),
};

export default [
  { name: 'additional fields', columns, settings, cases },
  {
    name: 'additional fields, requireEmailVerification',
    columns,
    options: () => ({ emailAndPassword: { requireEmailVerification: true } }),
    settings: { ...settings, require_email_verification: 'on' },
    cases: {
      'sign-up': up(all),
      'sign-up of a taken email': up({ email: 'ada@example.com', ...all }),
      'sign-up of a taken email without them': up({ email: 'ada@example.com' }),
    },
  },
  {
    name: 'additional fields with a cookie cache',
    columns,
    options: () => ({ session: { cookieCache: { enabled: true } } }),
    settings: { ...settings, cookie_cache: 'on' },
    cases: {
      'sign-up': [up(all), `UPDATE "user" SET nickname = 'other'`, GET('/get-session', { jar: true })],
      'update-session': uncached([up(all)], POST('/update-session', { theme: 'dark' }, { jar: true }), GET('/get-session', { jar: true })),
    },
  },
  {
    name: 'additional fields with defaults',
    columns: {
      options: () => ({
        user: {
          additionalFields: {
            plan: { type: 'string', required: false, defaultValue: 'free' },
            level: { type: 'number', required: false, defaultValue: 1, input: false },
          },
        },
        session: { additionalFields: { theme: { type: 'string', required: false, defaultValue: 'light' } } },
      }),
      sql: `ALTER TABLE better_auth."user" ADD plan text DEFAULT 'free', ADD level integer DEFAULT 1; ALTER TABLE better_auth.session ADD theme text DEFAULT 'light'`,
    },
    settings: { user_additional_fields: 'plan, level:readonly', session_additional_fields: 'theme' },
    cases: each(
      {
        'sign-up': [up({}), POST('/sign-in/email', { email: 'eve@example.com', password: PASSWORD })],
        'sign-up with a value': [up({ plan: 'gold' })],
        'sign-up with null': [up({ plan: null })],
        'update-user': [update({ plan: 'gold' })],
      },
      // The world's rows are there before: with the column's default in one database, without in the other.
      (steps) => [`UPDATE "user" SET plan = 'old', level = 0; UPDATE session SET theme = 'old'`, ...steps],
    ),
  },
];
