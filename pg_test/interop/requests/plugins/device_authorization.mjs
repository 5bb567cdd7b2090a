// The device flow of RFC 8628: codes, polls, what the user sees and says.

import { admin, bearer, deviceAuthorization, lastLoginMethod, multiSession } from 'better-auth/plugins';
import { GET, POST } from '../../http.mjs';
import { differs, each, named, oddBodies, oddFields } from '../common.mjs';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const ELSEWHERE = 'https://elsewhere.example';
const ADA = { by: 'ada' };
const VERA = { by: 'vera' };

const DEVICE = 'deviceCode2deviceCode2deviceCode2deviceC';
const USER = 'ABCD2345';

const literal = (value) => (value === null ? 'NULL' : /^now\(\)/.test(value) ? value : `'${value}'`);
/** A row as the plugin makes it, but for some fields; from now. */
const row = (fields = {}) => {
  const all = {
    id: 'deviceRow2deviceRow2deviceRow2de', deviceCode: DEVICE, userCode: USER, userId: null,
    expiresAt: `now() + interval '30 minutes'`, status: 'pending', lastPolledAt: null, pollingInterval: '5000',
    clientId: 'cli', scope: 'openid', ...fields,
  };
  const names = Object.keys(all).map((name) => `"${name}"`);
  return `INSERT INTO "deviceCode" (${names}) VALUES (${Object.values(all).map(literal)})`;
};
const approved = (fields) => row({ status: 'approved', userId: '{{ada.id}}', ...fields });
const claimed = (fields) => row({ userId: '{{ada.id}}', ...fields });
const EXPIRED = { expiresAt: `now() - interval '1 second'` };
const polled = (ago) => `UPDATE "deviceCode" SET "lastPolledAt" = now() - interval '${ago}'`;

/** What the codes of an answer are called from here on. */
const KEEP = { device: 'device_code', user: 'user_code' };
const code = (body = { client_id: 'cli' }, options) => POST('/device/code', body, { keep: KEEP, ...options });
const form = (raw, options) => POST('/device/code', undefined, { keep: KEEP, raw, headers: FORM, ...options });
const token = (body = {}, options) => POST('/device/token', { grant_type: GRANT, device_code: DEVICE, client_id: 'cli', ...body }, options);
const look = (userCode = USER, options) =>
  GET(`/device?user_code=${userCode.includes('{{') ? userCode : encodeURIComponent(userCode)}`, options);
const approve = (userCode = USER, options = ADA) => POST('/device/approve', { userCode }, options);
const deny = (userCode = USER, options = ADA) => POST('/device/deny', { userCode }, options);

const kept = (options) => code({ client_id: 'cli', scope: 'openid profile' }, options);
const whole = { device_code: '{{device}}' };

/** The same of approve and deny. */
const verdicts = (cases) => Object.assign({}, ...Object.entries({ approve, deny }).map(([name, verdict]) => named(name, cases(verdict, `/device/${name}`))));

const SPELLINGS = {
  'lower case': 'abcd2345',
  'a dash': 'ABCD-2345',
  'dashes and spaces': ' a-b c_d 23.45 ',
  'a letter too much': 'ABCD2345A',
  'a letter that looks like one': 'ABCD234S',
  'a full-width letter': 'ＡBCD2345',
  'a letter with an accent': 'ÁABCD2345',
  'a percent sign': 'ABCD%2345',
  'dashes alone': '--',
  'a quote': `ABCD'2345`,
};

/** The plugin on, and `sql` run. */
const columns = (sql) => ({
  plugins: 'device-authorization',
  options: () => ({ plugins: [deviceAuthorization()] }),
  tables: { deviceCode: '"expiresAt", "userCode"' },
  sql,
});
const PLAIN = columns();

export default [
  {
    name: 'device authorization',
    columns: PLAIN,
    cases: {
      'code': code(),
      'code with scope and user': code({ client_id: 'cli', scope: 'openid profile', user_id: '{{ada.id}}' }),
      'code for an unknown user': code({ client_id: 'cli', user_id: 'nobody' }),
      'code, signed in': code({ client_id: 'cli' }, ADA),
      'code, signed in, from elsewhere': code({ client_id: 'cli' }, { ...ADA, headers: { origin: ELSEWHERE } }),
      'code without an origin': code({ client_id: 'cli' }, { headers: { origin: null } }),
      'code with empty fields': [code({ client_id: 'cli', user_id: '', scope: '' }), code({ client_id: '' }), code({ client_id: '', scope: 5 })],
      'code by GET': GET('/device/code?client_id=cli'),
      'code with a callback elsewhere': code({ client_id: 'cli', callbackURL: ELSEWHERE }),
      ...oddFields('/device/code', { client_id: 'cli', user_id: 'x', scope: 'openid' }, { keep: KEEP }),
      ...Object.fromEntries(
        ['client_id', 'user_id', 'scope'].map((field) => [
          `/device/code, ${field}: huge`,
          differs(
            'deviceBounds',
            POST('/device/code', { client_id: 'cli', user_id: 'x', scope: 'openid', [field]: 'x'.repeat(20_000) }, { keep: KEEP }),
            [200, undefined],
            [400, undefined],
          ),
        ]),
      ),
      ...oddBodies('/device/code', { keep: KEEP }),
      ...named(
        'code by form',
        each(
          [
            'client_id=cli', 'client_id=cli&scope=openid+profile&user_id={{ada.id}}', 'client_id=a&client_id=b', 'client_id=&client_id=b',
            'client_id=b&client_id=', 'client_id=', 'scope=a', 'client_id=a&scope=a&scope=b', 'client_id=a&scope=&scope=', 'client_id=a&user_id=b&user_id=c',
            'client_id=a&x=1&x=2', 'client_id=a%20b%26c', '&&', 'client%5Fid=a', 'client_id=%ff',
          ],
          (raw) => form(raw),
        ),
      ),
      'code by form with a charset': form('client_id=cli', { headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' } }),
      'code by form in capitals': form('client_id=a&client_id=b', { headers: { 'content-type': 'Application/X-WWW-Form-Urlencoded' } }),
      'code by JSON that names forms': code({ client_id: 'cli' }, { headers: { 'content-type': 'application/json; x=application/x-www-form-urlencoded' } }),
      'code by multipart': form('--x--', { headers: { 'content-type': 'multipart/form-data; boundary=x' } }),

      'token of nothing': token({ device_code: 'nope' }),
      'token, pending': [row(), token()],
      'token, too fast': [row(), token(), token()],
      'token, in time': [row(), token(), polled('5 seconds'), token()],
      'token, a moment too early': [row(), polled('3 seconds'), token()],
      'token, the interval of the row': [row({ pollingInterval: '60000' }), polled('50 seconds'), token(), polled('61 seconds'), token()],
      'token without an interval': [row({ pollingInterval: null }), token(), token()],
      'token with an interval of nothing': [row({ pollingInterval: '0' }), token(), token()],
      'token, polled in the future': [row({ lastPolledAt: `now() + interval '1 hour'` }), token()],
      'token, expired': [row(EXPIRED), token(), token()],
      'token, expired, too fast': [row({ ...EXPIRED, lastPolledAt: 'now()' }), token()],
      'token, approved and expired': [approved(EXPIRED), token()],
      'token, denied': [row({ status: 'denied', userId: '{{ada.id}}' }), token(), token()],
      'token, approved': [approved(), token({}, { keep: { 'device.token': 'access_token' } }), GET('/get-session', { by: 'device' }), token()],
      'token, approved, too fast': [approved({ lastPolledAt: 'now()' }), token()],
      'token without scope': [approved({ scope: null }), token()],
      'token with a user agent and an address': [approved(), token({}, { headers: { 'user-agent': 'cli/1.0', 'x-forwarded-for': '203.0.113.7' } })],
      'token, signed in': [approved(), token({}, VERA)],
      'token, signed in, from elsewhere': [approved(), token({}, { ...VERA, headers: { origin: ELSEWHERE } })],
      'token without an origin': [approved(), token({}, { headers: { origin: null } })],
      'token of another client': [approved(), token({ client_id: 'other' }), token()],
      'token of no client': [approved({ clientId: null }), token()],
      'token of an empty client': [approved({ clientId: '' }), token(), token({ client_id: '' })],
      'token of nobody': [approved({ userId: null }), token(), token()],
      'token of somebody who is gone': [approved({ userId: 'gone' }), token()],
      'token, an unknown status': [row({ status: 'odd', userId: '{{ada.id}}' }), token()],
      'token by the user code': [approved(), token({ device_code: USER })],
      'token by a code in another case': [approved(), token({ device_code: DEVICE.toLowerCase() })],
      'token by form': POST('/device/token', undefined, { raw: `grant_type=${GRANT}&device_code=x&client_id=cli`, headers: FORM }),
      ...named('token, grant', each(['', 'device_code', GRANT.toUpperCase(), 'authorization_code'], (grant_type) => [approved(), token({ grant_type })])),
      ...oddFields('/device/token', { grant_type: GRANT, device_code: 'nope', client_id: 'cli' }),
      ...oddBodies('/device/token'),
      'token by GET': GET(`/device/token?grant_type=${GRANT}`),

      'look at nothing': look('NOPENOPE'),
      'look without a session': [row(), look()],
      'look, signed in': [row(), look(USER, ADA), look(USER, ADA)],
      'look, signed in, of another': [row(), look(USER, ADA), look(USER, VERA), look()],
      'look, meant for another': [claimed(), look(USER, VERA), look(USER, ADA)],
      'look without scope and client': [row({ scope: null, clientId: null }), look(USER, ADA)],
      'look, expired': [row(EXPIRED), look(), look(USER, ADA)],
      'look, approved': [approved(), look(), look(USER, ADA), look(USER, VERA)],
      'look, approved by nobody': [approved({ userId: null }), look(USER, ADA)],
      'look, denied': [row({ status: 'denied', userId: '{{ada.id}}' }), look(), look(USER, ADA)],
      'look with a session that has expired': [row(), `UPDATE session SET "expiresAt" = now() - interval '1 second'`, look(USER, ADA)],
      'look, from elsewhere': [row(), look(USER, { ...ADA, headers: { origin: ELSEWHERE } })],
      'look by the device code': [row(), look(DEVICE)],
      ...named('look', each(['', '?user_code=', `?user_code=${USER}&user_code=${USER}`, `?user_code[]=${USER}`, `?userCode=${USER}`, `?USER_CODE=${USER}`, `?user_code=${USER}&x=1`], (query) => [row(), GET(`/device${query}`, ADA)])),
      ...named('look, spelled with', each(SPELLINGS, (userCode) => [row(), look(userCode, ADA)])),
      'look, a code with a dash': [row({ userCode: 'ABCD-2345' }), look('ABCD-2345'), look('ABCD2345'), look('abcd-2345')],
      'look, two codes that read alike': [row({ userCode: 'ABCD-2345' }), row({ id: 'other', deviceCode: 'other' }), look('ABCD-2345', ADA), look('AB-CD2345', ADA)],
      'look, a code of other letters': [row({ userCode: 'OI01' }), look('OI01'), look('oi01'), look('OI-01')],
      'look, a code in small letters': [row({ userCode: 'abcd' }), look('abcd'), look('ABCD')],
      'look by POST': [row(), POST('/device', { user_code: USER }, ADA)],
      'look with NUL': differs('nul', [GET('/device?user_code=a%00b')], [500, ''], [400, 'VALIDATION_ERROR']),

      ...verdicts((verdict, path) => ({
        'claimed': [claimed(), verdict(), look(USER, ADA)],
        'after a look': [row(), look(USER, ADA), verdict()],
        'without a look': [row(), verdict(), look(USER, ADA)],
        'by another': [row(), look(USER, ADA), verdict(USER, VERA), verdict()],
        'twice': [claimed(), verdict(), verdict()],
        'after approval': [approved(), verdict()],
        'of nothing': verdict('NOPENOPE'),
        'expired': [claimed(EXPIRED), verdict()],
        'expired and done': [approved(EXPIRED), verdict()],
        'without a session': [claimed(), verdict(USER, {})],
        'without a session, of nothing': verdict('NOPENOPE', {}),
        'without a session, malformed': POST(path, { userCode: 5 }),
        'with a session that has expired': [claimed(), `UPDATE session SET "expiresAt" = now() - interval '1 second'`, verdict()],
        'from elsewhere': [claimed(), verdict(USER, { ...ADA, headers: { origin: ELSEWHERE } }), look(USER, ADA)],
        'without an origin': [claimed(), verdict(USER, { ...ADA, headers: { origin: null } })],
        'by GET': [claimed(), GET(`${path}?userCode=${USER}`, ADA)],
        'then a poll': [claimed(), token(), verdict(), polled('6 seconds'), token(), token()],
        ...named('spelled with', each(SPELLINGS, (userCode) => [claimed(), verdict(userCode)])),
        ...oddFields(path, { userCode: USER }, ADA),
        ...oddBodies(path, ADA),
      })),
      'approve, then deny': [claimed(), approve(), deny(), token()],
      'deny, then approve': [claimed(), deny(), approve(), token()],
      'the whole way': [
        kept(),
        token(whole),
        look('{{user}}'),
        look('{{user}}', ADA),
        approve('{{user}}'),
        polled('6 seconds'),
        token(whole, { keep: { 'device.token': 'access_token' } }),
        GET('/get-session', { by: 'device' }),
        token(whole),
        look('{{user}}', ADA),
      ],
      'the whole way to a no': [kept(), look('{{user}}', ADA), deny('{{user}}'), token(whole), look('{{user}}', ADA)],
      'several at once': [code(), code(), kept(), look('{{user}}', ADA), approve('{{user}}'), token(whole)],
    },
  },
  {
    name: 'device authorization, other options',
    columns: PLAIN,
    options: () => ({
      plugins: [deviceAuthorization({ expiresIn: '90s', interval: '2s', deviceCodeLength: 12, userCodeLength: 4, verificationUri: '/activate' })],
    }),
    settings: {
      device_authorization_expires_in: 90,
      device_authorization_interval: 2,
      device_authorization_device_code_length: 12,
      device_authorization_user_code_length: 4,
      device_authorization_verification_uri: '/activate',
    },
    cases: {
      'code': code(),
      'the whole way': [kept(), look('{{user}}', ADA), approve('{{user}}'), token(whole)],
      'the interval of the row': [row(), token(), polled('3 seconds'), token()],
    },
  },
  ...Object.entries({
    'elsewhere': 'https://example.com/device?x=1&user_code=old&user_code=older#part',
    'relative': 'activate',
    'a scheme of its own': 'app:device',
    'a query': '/d?a=b c&é=ü',
  }).map(([name, verificationUri]) => ({
    name: `device authorization, a page ${name}`,
    columns: PLAIN,
    options: () => ({ plugins: [deviceAuthorization({ verificationUri })] }),
    settings: { device_authorization_verification_uri: verificationUri },
    cases: { code: code() },
  })),
  {
    name: 'device authorization, clients that are known',
    columns: columns(`CREATE FUNCTION public.is_client(request jsonb) RETURNS boolean LANGUAGE sql AS
              $$ SELECT request->>'client_id' IN ('cli', 'tv') $$`),
    options: () => ({
      plugins: [
        deviceAuthorization({
          validateClient: (id) => ['cli', 'tv'].includes(id),
        }),
      ],
    }),
    settings: {
      device_authorization_validate_client_function: 'public.is_client',
    },
    cases: {
      'code': code(),
      'code of another': code({ client_id: 'other' }),
      'code of nobody': code({ client_id: '' }),
      'token': [approved(), token()],
      'token of another': [approved({ clientId: 'other' }), token({ client_id: 'other' })],
      'token of another known one': [approved(), token({ client_id: 'tv' })],
      'token of nothing, of another': token({ device_code: 'nope', client_id: 'other' }),
    },
  },
  {
    name: 'device authorization, codes of one’s own',
    columns: columns(`CREATE FUNCTION public.user_code(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'wxyz-23' $$;
            CREATE FUNCTION public.device_code(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'device-' || pg_catalog.lpad(pg_catalog.txid_current()::pg_catalog.text, 10, '0') $$;`),
    options: () => {
      let count = 0;
      return { plugins: [deviceAuthorization({ generateUserCode: () => 'wxyz-23', generateDeviceCode: () => `device-${String(++count).padStart(10, '0')}` })] };
    },
    settings: {
      device_authorization_generate_user_code_function: 'public.user_code',
      device_authorization_generate_device_code_function: 'public.device_code',
    },
    cases: {
      'code': [code(), look('wxyz-23', ADA), look('WXYZ23', ADA), approve('wxyz-23')],
      'code that is taken': [code(), code()],
    },
  },
  {
    name: 'device authorization, long codes of one’s own',
    columns: columns(`CREATE FUNCTION public.user_code(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT pg_catalog.repeat('é', 192) $$;`),
    options: () => ({ plugins: [deviceAuthorization({ generateUserCode: () => 'é'.repeat(192) })] }),
    settings: { device_authorization_generate_user_code_function: 'public.user_code' },
    cases: { code: code() },
  },
  {
    name: 'device authorization, limited',
    columns: PLAIN,
    options: () => ({ rateLimit: { enabled: true }, plugins: [deviceAuthorization()] }),
    settings: { rate_limit: 'on', rate_limit_storage: 'database' },
    cases: {
      'looks': [row(), look(), look(), look(), look('NOPENOPE'), look('NOPENOPE'), look(), approve(), token()],
      'verdicts and polls': [claimed(), approve('NOPENOPE'), approve('NOPENOPE'), approve('NOPENOPE'), approve('NOPENOPE'), approve(), token(), token()],
    },
  },
  {
    name: 'device authorization, with others',
    columns: {
      plugins: 'bearer, multi-session, last-login-method, admin, device-authorization',
      options: () => ({ plugins: [bearer(), multiSession(), lastLoginMethod(), admin(), deviceAuthorization()] }),
      tables: PLAIN.tables,
    },
    cases: {
      'the whole way': [
        kept(),
        token(whole),
        look('{{user}}', ADA),
        approve('{{user}}'),
        polled('6 seconds'),
        token(whole, { keep: { 'device.token': 'access_token' } }),
        GET('/get-session', { headers: { authorization: 'Bearer {{device.token}}' } }),
        GET('/multi-session/list-device-sessions', { by: 'device' }),
      ],
      'a look and a yes by a bearer': [
        row(),
        look(USER, { headers: { authorization: 'Bearer {{ada.token}}', origin: null } }),
        approve(USER, { headers: { authorization: 'Bearer {{ada.token}}', origin: null } }),
        token(),
      ],
      'somebody who is banned by then': [approved(), `UPDATE "user" SET banned = true`, token(), token()],
    },
  },
];
