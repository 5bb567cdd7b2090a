// @supabase/postgrest-js, as it comes from npm: sign-in by RPC, the bridge token, and a table where everybody has rows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PostgrestClient } from '@supabase/postgrest-js';
import { startStandIn } from '../postgrest/stand-in.mjs';
import { ENDS } from '../postgrest/versions.mjs';
import { PASSWORD, cleanup, freshEmail, ident } from '../server/lib.mjs';
import { JWT_SECRET, application } from './clients.mjs';

/** Posts with row level security, and one table that only its owner can use. */
const POSTS = (user) => `
  CREATE TABLE public.posts (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL DEFAULT public.requesting_user_id() REFERENCES better_auth."user" (id) ON DELETE CASCADE,
    title text NOT NULL, slug text UNIQUE, views int NOT NULL DEFAULT 0, published_at timestamptz, tags text[] NOT NULL DEFAULT '{}');
  ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own_posts ON public.posts TO ${ident(user)}
    USING (user_id = public.requesting_user_id()) WITH CHECK (user_id = public.requesting_user_id());
  GRANT SELECT, INSERT, UPDATE, DELETE ON public.posts TO ${ident(user)};
  CREATE TABLE public.secrets (id int)`;

/** A test behind each of the versions. */
function each(name, body) {
  for (const version of ENDS) test(`${name} (PostgREST ${version})`, (t) => body(t, version));
}

/** The application behind PostgREST; `as(jwt)` is a client with that token, or without one. */
async function serving(t, version) {
  const app = await application(t, { sql: POSTS });
  const postgrest = await startStandIn({
    connection: { database: app.database.name },
    anonRole: app.anon,
    jwtSecret: JWT_SECRET,
    jwtAud: 'insforge-api',
    preRequest: 'public.pre_request',
    version,
  });
  cleanup(t, () => postgrest.stop());
  // Node's fetch says that it is a browser's (Sec-Fetch-Mode), and browsers say where the page is from.
  const as = (jwt) =>
    new PostgrestClient(postgrest.url, {
      headers: { origin: postgrest.url, ...(jwt && { authorization: `Bearer ${jwt}` }) },
    });
  return { ...app, as };
}

/** The data of an answer that has to be no error. */
async function done(call) {
  const { data, error } = await call;
  assert.equal(error, null, JSON.stringify(error));
  return data;
}

/** Asserts that a call is refused with this status and code. */
async function refused(call, status, code, message = /./) {
  const { data, error, status: answered } = await call;
  assert.deepEqual([data, answered, error?.code], [null, status, code], JSON.stringify(error));
  assert.match(error.message, message);
}

/** Somebody new: `{user, session_token, jwt, db}`. */
async function signedUp({ as }) {
  const { user, token: session_token } = await done(
    as().rpc('sign_up_email', { email: freshEmail(), password: PASSWORD, name: 'Ada' }),
  );
  const { token: jwt } = await done(as().rpc('bridge_token', { session_token }));
  return { user, session_token, jwt, db: as(jwt) };
}

each('two users write, read, change and delete posts, each their own', async (t, version) => {
  const app = await serving(t, version);
  const [ada, eve] = [await signedUp(app), await signedUp(app)];
  const stored = () => app.client.column('SELECT title FROM public.posts ORDER BY id');
  assert.deepEqual(await app.as(ada.jwt).from('posts').insert({ title: 'First' }), {
    success: true,
    error: null,
    data: null,
    count: null,
    status: 201,
    statusText: 'Created',
  });
  const [second, third] = await done(
    ada.db
      .from('posts')
      .insert([
        { title: 'Second', tags: ['a', 'b c'] },
        { title: 'Third', tags: [] },
      ])
      .select(),
  );
  assert.deepEqual([second.user_id, second.tags, second.views, third.tags], [ada.user.id, ['a', 'b c'], 0, []]);
  const hers = await done(eve.db.from('posts').insert({ title: 'Hers' }).select('id').single());
  assert.deepEqual(await done(eve.db.from('posts').select('title')), [{ title: 'Hers' }]);
  assert.deepEqual(
    (await done(ada.db.from('posts').select('title').order('id'))).map(({ title }) => title),
    ['First', 'Second', 'Third'],
  );

  assert.deepEqual(
    await done(ada.db.from('posts').update({ title: 'SECOND' }).eq('id', second.id).select('title, shown:views')),
    [{ title: 'SECOND', shown: 0 }],
  );
  assert.deepEqual(await done(eve.db.from('posts').update({ title: 'stolen' }).eq('id', second.id).select()), []);
  assert.deepEqual(await done(eve.db.from('posts').delete().eq('id', second.id).select()), []);
  await refused(
    eve.db.from('posts').insert({ title: 'forged', user_id: ada.user.id }),
    403,
    '42501',
    /row-level security/,
  );
  await refused(
    eve.db.from('posts').update({ user_id: ada.user.id }).eq('id', hers.id),
    403,
    '42501',
    /row-level security/,
  );
  assert.deepEqual(await stored(), ['First', 'SECOND', 'Third', 'Hers']);
  const { count, status } = await ada.db.from('posts').delete({ count: 'exact' }).in('title', ['First', 'Third']);
  assert.deepEqual([count, status, await stored()], [2, 204, ['SECOND', 'Hers']]);
  await app.client.query('DELETE FROM better_auth."user" WHERE id = $1', [ada.user.id]);
  assert.deepEqual(await stored(), ['Hers']);
});

each('what apps ask of a table', async (t, version) => {
  const app = await serving(t, version);
  const { db } = await signedUp(app);
  const titles = async (call) => (await done(call)).map(({ title }) => title);
  await done(
    db
      .from('posts')
      .insert(
        ['alpha', 'beta, (b)', 'gamma "g"', 'delta'].map((title, views) => ({ title, views, slug: `s${views}` })),
      ),
  );
  await done(db.from('posts').update({ published_at: '2026-01-02T03:04:05Z' }).gt('views', 1));
  const posts = (columns = 'title', options = undefined) => db.from('posts').select(columns, options).order('views');
  assert.deepEqual(await titles(posts().neq('title', 'alpha').lte('views', 2)), ['beta, (b)', 'gamma "g"']);
  assert.deepEqual(await titles(posts().in('title', ['beta, (b)', 'gamma "g"'])), ['beta, (b)', 'gamma "g"']);
  assert.deepEqual(await titles(posts().ilike('title', '%ETA%')), ['beta, (b)']);
  assert.deepEqual(await titles(posts().like('title', '%lt%')), ['delta']);
  assert.deepEqual(await titles(posts().is('published_at', null)), ['alpha', 'beta, (b)']);
  assert.deepEqual(await titles(posts().not('published_at', 'is', null).lt('views', 3)), ['gamma "g"']);
  assert.deepEqual(await titles(posts().or('views.eq.0,and(views.gte.2,title.eq.delta)')), ['alpha', 'delta']);
  assert.deepEqual(await titles(posts().match({ views: 1, slug: 's1' })), ['beta, (b)']);
  assert.deepEqual(
    await titles(
      db
        .from('posts')
        .select('title')
        .order('published_at', { ascending: false, nullsFirst: true })
        .order('views', { ascending: false })
        .limit(2),
    ),
    ['beta, (b)', 'alpha'],
  );
  const page = await posts('title', { count: 'exact' }).range(1, 2);
  assert.deepEqual([page.data.length, page.count, page.status], [2, 4, 206]);
  const head = await posts('*', { count: 'exact', head: true });
  assert.deepEqual([head.data, head.count, head.status], [null, 4, 200]);
  assert.equal((await done(posts().eq('views', 3).single())).title, 'delta');
  assert.equal(await done(posts().eq('views', 9).maybeSingle()), null);
  await refused(posts().single(), 406, 'PGRST116');
  await refused(posts().eq('views', 9).single(), 406, 'PGRST116');

  await refused(db.from('posts').insert({ title: 'again', slug: 's0' }), 409, '23505');
  const upserted = db.from('posts').upsert(
    [
      { title: 'ALPHA', slug: 's0' },
      { title: 'new', slug: 's9' },
    ],
    { onConflict: 'slug' },
  );
  const merged = await done(upserted.select('title, slug'));
  assert.deepEqual(merged, [
    { title: 'ALPHA', slug: 's0' },
    { title: 'new', slug: 's9' },
  ]);
  assert.deepEqual(
    await done(
      db
        .from('posts')
        .upsert({ title: 'ignored', slug: 's9' }, { onConflict: 'slug', ignoreDuplicates: true })
        .select(),
    ),
    [],
  );
  assert.deepEqual(await app.client.column(`SELECT title FROM public.posts WHERE slug IN ('s0', 's9') ORDER BY slug`), [
    'ALPHA',
    'new',
  ]);
  await refused(db.from('posts').select('title, author:user_id(name)'), 501, 'STAND_IN', /doesn't know select/);
});

each('sign-in, its errors, and sessions by RPC', async (t, version) => {
  const app = await serving(t, version);
  const rpc = (name, args, options) => app.as().rpc(name, args, options);
  const email = freshEmail();
  await done(rpc('sign_up_email', { email, password: PASSWORD, name: 'Ada' }));
  const { token: session_token, user } = await done(rpc('sign_in_email', { email, password: PASSWORD }));
  assert.equal((await done(rpc('get_session', { session_token }))).user.id, user.id);
  assert.equal((await done(rpc('get_session', { session_token }, { get: true }))).user.id, user.id);
  assert.equal((await done(rpc('list_sessions', { session_token }))).length, 2);
  await refused(
    rpc('sign_in_email', { email, password: 'wrong password' }),
    401,
    'INVALID_EMAIL_OR_PASSWORD',
    /^Invalid email or password$/,
  );
  await refused(
    rpc('sign_up_email', { email, password: PASSWORD, name: 'Eve' }),
    422,
    'USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL',
  );
  await refused(
    rpc('sign_in_email', { email }),
    404,
    'PGRST202',
    /Could not find the function public\.sign_in_email\(email\)/,
  );
  await refused(rpc('no_such_function'), 404, 'PGRST202');
  assert.equal((await rpc('sign_out', { session_token }, { get: true })).status, 405);
  assert.equal((await rpc('bridge_token', { session_token: 'x'.repeat(32) })).status, 401);
  assert.deepEqual(await done(rpc('sign_out', { session_token })), { success: true });
  assert.equal(await done(rpc('get_session', { session_token })), null);
  assert.equal(await app.count('session', 'token = $1', [session_token]), 0);
});

each('tokens: expired, tampered with, of another secret, of another audience, of a revoked session', async (t, version) => {
  const app = await serving(t, version);
  const ada = await signedUp(app);
  const claims = version === 12 ? 'PGRST301' : 'PGRST303';
  const badKey = version === 12 ? /JWSError JWSInvalidSignature/ : /No suitable key or wrong key type/;
  const read = (jwt) => app.as(jwt).from('posts').select();
  const sign = (more) =>
    app.client.call('sign_jwt', { claims: JSON.stringify({ sub: ada.user.id, role: app.user, ...more }) });
  assert.deepEqual(await done(read(ada.jwt)), []);
  assert.deepEqual(await done(read(await sign({}))), []);
  await refused(read(await sign({ exp: Math.floor(Date.now() / 1000) - 60 })), 401, claims, /JWT expired/);
  await refused(read(await sign({ aud: 'others' })), 401, claims, version === 12 ? /JWTNotInAudience/ : /JWT not in audience/);
  const [header, payload, signature] = ada.jwt.split('.');
  const forged = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url')), sub: 'eve' })).toString(
    'base64url',
  );
  await refused(read([header, forged, signature].join('.')), 401, 'PGRST301', badKey);
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
  await refused(read([unsigned, payload, ''].join('.')), 401, 'PGRST301');
  await refused(read('no token'), 401, 'PGRST301');
  await refused(read(), 401, '42501', /permission denied for table posts/);
  await refused(ada.db.from('secrets').select(), 403, '42501', /permission denied for table secrets/);
  await refused(ada.db.from('missing').select(), 404, version === 12 ? '42P01' : 'PGRST205');
  await refused(ada.db.from('posts').insert({ missing: 1 }), 400, 'PGRST204');
  await refused(
    app
      .as(await sign({ role: 'no_such_role' }))
      .from('posts')
      .select(),
    401,
    '22023',
    /does not exist/,
  );

  const other = await signedUp(app);
  await done(app.as().rpc('revoke_sessions', { session_token: ada.session_token }));
  await refused(read(ada.jwt), 401, 'PT401', /^Unauthorized$/);
  await refused(ada.db.from('posts').insert({ title: 'late' }), 401, 'PT401');
  assert.deepEqual(await done(read(other.jwt)), [], 'others go on');
  await app.client.query('SELECT better_auth.rotate_secret($1)', ['jwt']);
  const { token } = await done(app.as().rpc('bridge_token', { session_token: other.session_token }));
  await refused(read(token), 401, 'PGRST301', badKey);
});
