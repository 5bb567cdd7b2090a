// All plugins together, since they change each other's answers, and the core's: what is asked of each where it is alone,
// and of the core.

import { GET, POST } from '../../http.mjs';
import { PASSWORD, differs, each } from '../common.mjs';
import sessions from '../sessions.mjs';
import signIn from '../sign_in.mjs';
import signUp from '../sign_up.mjs';
import user from '../user.mjs';

const AGAIN = POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD });
const CORE = [...signUp, ...signIn, ...sessions, ...user];
const isPlain = ({ columns, options, settings, prefix, basePath }) => !(columns || options || settings || prefix || basePath);

/** Hooks of username and phone-number throw in Better Auth at bodies that are no objects: `notAnObject`. */
const isNoBody = (name) => /^(\/sign-up\/email: |\/update-user: )(no body|no body, but a content type|null|a text|a number)$|^an empty form$/.test(name);
/** custom-session has no such route in Better Auth. */
const prolongs = (entry) => [entry].flat().some(({ method, path = '' }) => method === 'POST' && /^\/get-session\b/.test(path));
/** What a request's own session has to do with one that it opens, where it ends by that: `signedOutByAnonymous`. */
const ENDED = [
  'sign-in, unverified: as one who is signed in', // email-otp
  'verify, signed in as another', // magic-link
  'verify, from elsewhere, signed in',
  'sign-in twice', // where multi-session comes before anonymous
  'sign-up, then sign-in',
  'the same user twice',
  'sign-in, device: three in another order',
];

/** The cases of a group but those that are known differences: where it is alone, or because of another plugin. */
const casesOf = ({ cases }) =>
  Object.fromEntries(
    Object.entries(cases).filter(([name, entry]) => !entry.reason && !isNoBody(name) && !prolongs(entry) && !ENDED.includes(name)),
  );

/** The first group of each plugin stands for it: its plugin as it is there, and its cases. */
export default function together(plugins) {
  const firsts = plugins.map(([first]) => first);
  const all = (ordered) => ({
    plugins: ordered.map(({ columns }) => columns.plugins).join(', '),
    options: (send) => ({ plugins: ordered.flatMap(({ columns }) => columns.options(send).plugins) }),
    settings: Object.assign({}, ...ordered.map(({ columns }) => columns.settings)),
    tables: Object.assign({}, ...ordered.map(({ columns }) => columns.tables)),
    get sql() {
      return ordered.map(({ columns }) => columns.sql ?? '').join('; ');
    },
  });
  const under = (name, columns, { options = () => ({}), settings, ...group }) => ({
    name: `${name}: ${group.name}`,
    columns,
    options(send) {
      const { plugins, ...rest } = options(send);
      return rest;
    },
    settings,
    cases: casesOf(group),
  });
  const inOrder = all(firsts);
  // custom-session is on, and has no function.
  const asked = firsts.filter(({ settings }) => !settings?.custom_session_function);
  // Their order is the order in which they look at an answer.
  const looks = ({ columns }) => columns.options({}).plugins.some(({ hooks }) => hooks?.after);
  const backwards = all([...firsts].reverse());
  return [
    ...asked.map((group) => under('all', inOrder, group)),
    {
      name: 'all, the other way round: known differences',
      columns: backwards,
      cases: {
        ...each(['/sign-up/email', '/update-user'], (path) => differs('notAnObject', [POST(path)], 500, 400, ({ answers }) => answers[0].status)),
        'a session that ends as the same user signs in': differs(
          'signedOutByAnonymous',
          [AGAIN, { ...AGAIN, jar: true }, GET('/get-session', { jar: true })],
          null,
          'ada@example.com',
          ({ answers }) => JSON.parse(answers.at(-1).body)?.user.email ?? null,
        ),
      },
    },
    ...CORE.filter(isPlain).map((group) => under('all', inOrder, group)),
    ...asked.filter(looks).map((group) => under('all, the other way round', backwards, group)),
  ];
}
