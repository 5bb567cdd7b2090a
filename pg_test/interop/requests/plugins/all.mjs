// All plugins together, since they change each other's answers, and the core's: what is asked of each where it is alone,
// and of the core.

import { POST } from '../../http.mjs';
import { differs, each } from '../common.mjs';
import sessions from '../sessions.mjs';
import signIn from '../sign_in.mjs';
import signUp from '../sign_up.mjs';
import user from '../user.mjs';

const CORE = [...signUp, ...signIn, ...sessions, ...user];
const isPlain = ({ columns, options, settings, prefix, basePath }) => !(columns || options || settings || prefix || basePath);

const isNoBody = (name) => /^(\/sign-up\/email: |\/update-user: )(no body|no body, but a content type|null)$|^an empty form$/.test(name);
const prolongs = (entry) => [entry].flat().some(({ method, path = '' }) => method === 'POST' && /^\/get-session\b/.test(path));

/** The cases of a group but those that are known differences: where it is alone, or of another plugin's. */
const casesOf = ({ cases }) =>
  Object.fromEntries(Object.entries(cases).filter(([name, entry]) => !entry.reason && !isNoBody(name) && !prolongs(entry)));

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
      name: 'all: bodies that are none',
      columns: inOrder,
      cases: each(['/sign-up/email', '/update-user'], (path) =>
        differs('usernameNoBody', [POST(path)], 500, 400, ({ answers }) => answers[0].status),
      ),
    },
    ...CORE.filter(isPlain).map((group) => under('all', inOrder, group)),
    ...asked.filter(looks).map((group) => under('all, the other way round', backwards, group)),
  ];
}
