// The table of requests. A group is a configuration: Better Auth's `options` (a function of the mail senders) and
// our `settings`; then its cases, each a step or a list of them. A step is a request (see ../http.mjs) or SQL.
// Adding a request is a line.

import accounts from './accounts.mjs';
import clients from './clients.mjs';
import cookies from './cookies.mjs';
import fields from './fields.mjs';
import mails from './mails.mjs';
import origins from './origins.mjs';
import routing from './routing.mjs';
import sessions from './sessions.mjs';
import signIn from './sign_in.mjs';
import signUp from './sign_up.mjs';
import user from './user.mjs';

export default [
  ...routing, ...signUp, ...signIn, ...sessions, ...cookies, ...origins, ...user, ...mails, ...accounts, ...clients, ...fields,
];
