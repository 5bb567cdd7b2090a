// Where a client comes from: what becomes of its address and user agent, and how many requests it may make.

import { GET, POST } from '../http.mjs';
import { PASSWORD, answersAs, differs, each, named } from './common.mjs';

const signIn = (headers) => POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD }, { headers });
const from = (value) => signIn({ 'x-forwarded-for': value });
const ADDRESSES = [
  '203.0.113.9', ' 203.0.113.9 ', '203.0.113.9, 10.0.0.1', '10.0.0.1, 203.0.113.9', '203.0.113.9,', ',203.0.113.9', ', ,', '', 'unknown',
  '203.0.113', '203.0.113.256', '203.0.113.09', '0xcb.0.113.9', '::1', '2001:db8::1', '2001:DB8:0:0:ABCD::1',
  '2001:db8:1:2:3:4:5:6', '::ffff:203.0.113.9', '::FFFF:CB00:7109', '0:0:0:0:0:ffff:203.0.113.9',
  '::203.0.113.9', '64:ff9b::203.0.113.9', '::', '2001:db8:::1', '2001:db8::1::2', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', 'fe80::1',
  '127.0.0.1', '0.0.0.0', "'; DROP TABLE session; --",
  'x'.repeat(5000),
  '203.0.113.9 10.0.0.1',
  '٣.0.0.1',
  '203.0.113.9\t',
  '2002:cb00:7109::',
  '::ffff:0:203.0.113.9',
  '::ffff:1.2.3',
  '12345::',
].filter((address) => !/[^\x00-\xff]/.test(address));

/** What proxies add to an address, and the address. */
const ADDED = {
  '203.0.113.9:1234': '203.0.113.9',
  '"203.0.113.9:1234"': '203.0.113.9',
  '[2001:db8::1]': '2001:db8::1',
  '[2001:db8::1]:443': '2001:db8::1',
  '"[2001:db8::1]:443"': '2001:db8::1',
  '2001:db8::1%eth0': '2001:db8::1',
  '[::ffff:203.0.113.9]:80': '203.0.113.9',
};

const LIMITED = (rest) => ({ rateLimit: { enabled: true, ...rest } });
const wrong = (options) => POST('/sign-in/email', { email: 'ada@example.com', password: 'wrong password' }, options);
const times = (count, step) => Array.from({ length: count }, () => step);
const ago = (seconds) => `UPDATE "rateLimit" SET "lastRequest" = "lastRequest" - ${seconds * 1000}`;
/** What was counted, by path, where that differs. */
const counted = (steps, theirs, ours) =>
  differs('rateLimitKeys', steps, theirs, ours, ({ rows }) => rows.rateLimit.map(({ key, count }) => `${key.split('|')[1]} ${count}`));
const at = (address) => ({ headers: { 'x-forwarded-for': address } });

export default [
  {
    name: 'address',
    cases: {
      ...each(ADDRESSES, from),
      ...named(
        'with more',
        Object.fromEntries(Object.entries(ADDED).map(([written, address]) => [written, answersAs('ports', from(written), from(address))])),
      ),
      'none': signIn({}),
      'two headers': signIn({ 'x-forwarded-for': ['203.0.113.9', '10.0.0.1'] }),
      'other headers': signIn({
        'x-real-ip': '203.0.113.9',
        'cf-connecting-ip': '203.0.113.10',
        forwarded: 'for=203.0.113.11',
        'x-client-ip': '203.0.113.12',
      }),
      ...named(
        'user agent',
        each(['', ' ', 'curl/8', 'M\xf6zilla', 'x'.repeat(1_024), "'; --"], (agent) => signIn({ 'user-agent': agent })),
      ),
    },
  },
  {
    name: 'address, ipAddressHeaders',
    options: () => ({ advanced: { ipAddress: { ipAddressHeaders: ['cf-connecting-ip', 'X-Real-IP'] } } }),
    settings: { ip_address_headers: 'cf-connecting-ip, X-Real-IP' },
    cases: {
      'the usual one': from('203.0.113.9'),
      'the first': signIn({ 'cf-connecting-ip': '203.0.113.9', 'x-real-ip': '203.0.113.10' }),
      'the second': signIn({ 'x-real-ip': '203.0.113.10' }),
      'a first that is none': signIn({ 'cf-connecting-ip': 'x', 'x-real-ip': '203.0.113.10' }),
    },
  },
  {
    name: 'address, trustedProxies',
    options: () => ({
      advanced: {
        ipAddress: {
          trustedProxies: [
            '10.0.0.0/8', '192.168.1.1', '2001:db8::/32', '::ffff:172.16.0.0/12', 'x', '300.0.0.0/8', '1.2.3.4/33', '5.0.0.0/',
            '0.0.0.0/-1',
          ],
        },
      },
    }),
    settings: {
      trusted_proxies: '10.0.0.0/8, 192.168.1.1, 2001:db8::/32, ::ffff:172.16.0.0/12, x, 300.0.0.0/8, 1.2.3.4/33, 5.0.0.0/, 0.0.0.0/-1',
    },
    cases: each(
      [
        '203.0.113.9', '203.0.113.9, 10.1.2.3', '203.0.113.9, 10.1.2.3, 192.168.1.1', '203.0.113.9, 11.0.0.1',
        'spoofed, 203.0.113.9, 10.0.0.1', '203.0.113.9, spoofed, 10.0.0.1', '10.0.0.1', '10.0.0.1, 10.0.0.2',
        '203.0.113.9, 2001:db8:ffff::1', '2001:db9::1, 2001:db8::1', '203.0.113.9, ::ffff:10.0.0.1', '203.0.113.9, 192.168.1.2',
        '203.0.113.9, 172.16.0.1', '203.0.113.9,, 10.0.0.1,', '', '10.0.0.1:80', '203.0.113.9, 1.2.3.4', '203.0.113.9, 172.40.0.1',
      ],
      from,
    ),
  },
  {
    name: 'address, trustedProxies of all',
    options: () => ({ advanced: { ipAddress: { trustedProxies: ['0.0.0.0/0', '::/0'] } } }),
    settings: { trusted_proxies: '0.0.0.0/0,::/0' },
    cases: each(['203.0.113.9', '2001:db8::1, 203.0.113.9'], from),
  },
  ...[0, 1, 32, 48, 56, 60, 63, 64, 65, 127, 128].map((subnet) => ({
    name: `address, ipv6Subnet ${subnet}`,
    options: () => ({ advanced: { ipAddress: { ipv6Subnet: subnet } } }),
    settings: { ipv6_subnet: subnet },
    cases: each(['2001:db8:abcd:ef12:3456:789a:bcde:ffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '203.0.113.9'], from),
  })),
  {
    name: 'address, disableIpTracking',
    options: () => ({ ...LIMITED(), advanced: { ipAddress: { disableIpTracking: true } } }),
    settings: { disable_ip_tracking: 'on', rate_limit: 'on', rate_limit_storage: 'database' },
    cases: { 'sign-in': from('203.0.113.9'), 'no limit': times(5, wrong(at('203.0.113.9'))) },
  },
  {
    name: 'rate limit',
    options: () => LIMITED(),
    settings: { rate_limit: 'on', rate_limit_storage: 'database' },
    cases: {
      'three sign-ins': times(5, wrong(at('203.0.113.9'))),
      'three sign-ins in all': [
        wrong(),
        wrong(),
        POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD }),
        wrong(),
        POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD }),
      ],
      'two addresses': [...times(4, wrong(at('203.0.113.9'))), wrong(at('203.0.113.10'))],
      'one subnet': [...times(3, wrong(at('2001:db8::1'))), wrong(at('2001:db8::2')), wrong(at('2001:db8:0:1::2'))],
      'no address': [...times(3, wrong()), wrong(at('x')), wrong(at('203.0.113.9'))],
      'two paths': [...times(3, wrong()), POST('/sign-in/social', { provider: 'github' })],
      ...named(
        'three of',
        each(
          ['/sign-up/email', '/sign-in/social', '/change-password', '/change-email', '/request-password-reset', '/send-verification-email'],
          (path) => times(4, POST(path, {})),
        ),
      ),
      'GET counts too': [...times(3, GET('/sign-in/email')), wrong()],
      'other methods count too': [...times(3, { method: 'OPTIONS', path: '/sign-in/email' }), wrong()],
      'a trailing slash is the same': [...times(3, wrong()), { ...wrong(), path: '/sign-in/email/' }],
      'a query is the same': [...times(3, wrong()), { ...wrong(), path: '/sign-in/email?x=y' }],
      'before the origin check': [...times(3, wrong({ cookie: 'x=y', headers: { origin: 'https://elsewhere.example' } })), wrong()],
      'before the body': [...times(3, { ...POST('/sign-in/email'), raw: '{' }), wrong()],
      'others are not limited': times(6, GET('/get-session')),
      'a window that is over': [...times(4, wrong()), ago(10), wrong(), wrong()],
      'a window that is nearly over': [...times(4, wrong()), ago(8), wrong()],
      'a window of a minute': [
        ...times(4, POST('/request-password-reset', { email: 'x@example.com' })),
        ago(30),
        POST('/request-password-reset', { email: 'x@example.com' }),
        ago(31),
        POST('/request-password-reset', { email: 'x@example.com' }),
      ],
      'refused ones don’t move the window': [...times(4, wrong()), ago(5), ...times(3, wrong()), ago(5), wrong()],
      'allowed ones move it': [wrong(), ago(9), wrong(), ago(9), wrong(), ago(9), wrong()],
      'a row of the future': [wrong(), ago(-100), wrong(), wrong(), wrong()],
      'old rows go when a window is over': [wrong(at('203.0.113.9')), ago(3600), wrong(at('203.0.113.10')), wrong(at('203.0.113.9'))],
      'unknown paths': counted(
        [GET('/unknown'), GET('/sign-in/unknown'), GET('/sign-in/%65mail'), { method: 'GET', url: '/elsewhere' }],
        ['/elsewhere 1', '/sign-in/%65mail 1', '/sign-in/unknown 1', '/unknown 1'],
        ['/* 4'],
      ),
      'tokens': counted(
        ['a', 'b', 'c'].map((token) => GET(`/reset-password/${token}?callbackURL=/`)),
        ['/reset-password/a 1', '/reset-password/b 1', '/reset-password/c 1'],
        ['/reset-password/* 3'],
      ),
    },
  },
  {
    name: 'rate limit, window and max',
    options: () => LIMITED({ window: 30, max: 2 }),
    settings: { rate_limit: 'on', rate_limit_storage: 'database', rate_limit_window: 30, rate_limit_max: 2 },
    cases: {
      'get-session': times(4, GET('/get-session')),
      'sign-in has its own': times(5, wrong()),
      'a window that is over': [...times(3, GET('/ok')), ago(30), GET('/ok')],
    },
  },
  {
    name: 'rate limit, customRules',
    options: () =>
      LIMITED({
        customRules: {
          '/sign-in/email': { window: 5, max: 1 },
          '/ok': false,
          '/get-*': { window: 20, max: 2 },
          '/reset-password/*': { window: 60, max: 1 },
          '/list-?ccounts': { window: 60, max: 1 },
          '/sign-up/**': false,
        },
      }),
    settings: {
      rate_limit: 'on', rate_limit_storage: 'database',
      rate_limit_rules: '/sign-in/email=5/1, /ok=off, /get-*=20/2, /reset-password/*=60/1, /list-?ccounts=60/1, /sign-up/**=off',
    },
    cases: {
      'sign-in': times(3, wrong()),
      'ok': times(3, GET('/ok')),
      'get-session': times(4, GET('/get-session')),
      'get-access-token': times(3, POST('/get-access-token', {})),
      'a wildcard below': counted(times(3, GET('/reset-password/a?callbackURL=/')), ['/reset-password/a 1'], ['/reset-password/* 1']),
      'a question mark without a star is none': times(3, GET('/list-accounts')),
      'sign-up': times(5, POST('/sign-up/email', {})),
    },
  },
  {
    name: 'rate limit of one',
    options: () => LIMITED({ window: 3600, max: 1 }),
    settings: { rate_limit: 'on', rate_limit_storage: 'database', rate_limit_window: 3600, rate_limit_max: 1 },
    cases: { 'ok': times(3, GET('/ok')) },
  },
];
