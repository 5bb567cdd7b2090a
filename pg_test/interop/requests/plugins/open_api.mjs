// The document of what is on, and its page.

import { admin, deviceAuthorization, openAPI } from 'better-auth/plugins';
import { GET, POST } from '../../http.mjs';
import { differs, each, named } from '../common.mjs';

const DOCUMENT = GET('/open-api/generate-schema');
const ELSEWHERE = { headers: { origin: 'https://elsewhere.example' } };
/** The page is another one here: what both are. */
const page = (step) => differs('reference', [step], [200, 'text/html'], [200, 'text/html;charset=UTF-8'], ({ answers }) => {
  const { status, headers } = answers.at(-1);
  return [status, headers.find((header) => header.startsWith('content-type: '))?.slice('content-type: '.length)];
});

const COLUMNS = { plugins: 'open-api', options: () => ({ plugins: [openAPI()] }) };
const group = (name, options, settings, cases) => ({
  name: `open api${name}`,
  columns: COLUMNS,
  options: () => ({ plugins: [openAPI()], ...options }),
  settings: { rate_limit_storage: 'database', ...settings },
  cases,
});

export default [
  group('', {}, {}, {
    'the document': DOCUMENT,
    'the document, signed in': GET('/open-api/generate-schema', { by: 'ada' }),
    'the document, from elsewhere': GET('/open-api/generate-schema', { by: 'ada', ...ELSEWHERE }),
    'the document with a query': GET('/open-api/generate-schema?x=1&x=2'),
    'the document with a slash': GET('/open-api/generate-schema/'),
    'the document by POST': POST('/open-api/generate-schema', {}),
    'the page': page(GET('/reference')),
    'the page, signed in': page(GET('/reference', { by: 'ada' })),
    'the page, from elsewhere': page(GET('/reference', { by: 'ada', ...ELSEWHERE })),
    'the page with a query': page(GET('/reference?x=<script>')),
    'the page by POST': POST('/reference', {}),
    ...named('nothing', each(['/open-api', '/open-api/', '/open-api/reference', '/reference/x', '/references', '/Reference', '/openapi.json'], (path) => GET(path))),
  }),
  group(', no page', { plugins: [openAPI({ disableDefaultReference: true })] }, { open_api_disable_default_reference: 'on' }, {
    'the page': GET('/reference'),
    'the page, signed in': GET('/reference', { by: 'ada' }),
    'the document': DOCUMENT,
  }),
  group(', a page elsewhere', { plugins: [openAPI({ path: '/docs/api' })] }, { open_api_path: '/docs/api' }, {
    'there': page(GET('/docs/api')),
    'where it was': GET('/reference'),
    'the document': DOCUMENT,
  }),
  group(', paths that are disabled', { disabledPaths: ['/sign-up/email', '/callback/:id', '/ok', '/nothing'] }, { disabled_paths: '/sign-up/email, /callback/:id, /ok, /nothing' }, {
    'the document': DOCUMENT,
  }),
  group(', the page disabled', { disabledPaths: ['/reference'] }, { disabled_paths: '/reference' }, { 'the page': GET('/reference'), 'the document': DOCUMENT }),
  group(', another base', { baseURL: 'https://auth.example.com', basePath: '/auth' }, { base_url: 'https://auth.example.com', base_path: '/auth' }, {
    'the document': { ...DOCUMENT, path: undefined, url: 'https://auth.example.com/auth/open-api/generate-schema' },
  }),
  group(', the rate limit in memory', { rateLimit: { enabled: false, storage: 'memory' } }, { rate_limit_storage: 'memory' }, { 'the document': DOCUMENT }),
  group(', the rate limit in the table', { rateLimit: { enabled: false, storage: 'database' } }, { rate_limit_storage: 'database' }, { 'the document': DOCUMENT }),
  ...Object.entries({
    'with others': [['admin, device-authorization, open-api'], [admin, deviceAuthorization, openAPI]],
    'with others in another order': [['open-api, device-authorization, admin'], [openAPI, deviceAuthorization, admin]],
  }).map(([name, [[ids], makers]]) => ({
    name: `open api, ${name}`,
    columns: { plugins: ids, options: () => ({ plugins: makers.map((make) => make()) }) },
    settings: { rate_limit_storage: 'database' },
    cases: { 'the document': DOCUMENT },
  })),
];
