// Functions of the DBA's own: as whom they run, what becomes of what they raise, and what they do to the session around them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configure, configured, contents, cookieOf, http, request, set, unchanged } from './http.mjs';
import { freshEmail, ident, PASSWORD, refused, server, signIn, signUp } from './lib.mjs';

const SETTINGS = { base_url: 'http://localhost:3000' };

/** Makes `name(jsonb)` with this PL/pgSQL body. */
const hook = (client, name, body, returns = 'jsonb') =>
  client.query(`DROP FUNCTION IF EXISTS ${name}(jsonb); CREATE FUNCTION ${name}(context jsonb) RETURNS ${returns} LANGUAGE plpgsql AS $hook$ ${body} $hook$`);

const newUser = () => ({ email: freshEmail(), password: PASSWORD, name: 'New' });
const post = (client, address) => http(client, 'POST', '/sign-up/email', { body: newUser(), address });
const bridge = (client, cookie) => http(client, 'GET', '/api/insforge-token', { base: '', cookie });

describe('what a hook raises, through handler()', () => {
  const cases = {
    'P0001': { status: 400 },
    'check_violation': { status: 400 },
    'invalid_parameter_value': { status: 400 },
    'insufficient_privilege': { status: 403 },
    'PT402': { status: 402 },
    'PT429': { status: 429 },
    'PT599': { status: 599 },
    'PT200': { status: 500 },
    'PT999': { status: 500 },
    'X1234': { status: 500 },
    'division_by_zero': { status: 400 },
    'internal_error': { status: 500 },
  };
  for (const setting of ['before_sign_up_function', 'after_sign_up_function', 'send_mail_function']) {
    test(`in ${setting} is the answer, and nothing is left but the count of requests`, async (t) => {
      const { client } = await configured(t, { ...SETTINGS, [setting]: 'public.hook', send_verification_on_sign_up: 'on', rate_limit_storage: 'database' });
      await client.query('CREATE TABLE public.called (context jsonb)');
      let address = 0;
      for (const [state, { status }] of Object.entries(cases)) {
        await hook(client, 'public.hook', `BEGIN INSERT INTO public.called VALUES (context); RAISE EXCEPTION 'not "you"' USING ERRCODE = '${state}', DETAIL = 'NOT_YOU'; END`, 'void');
        address += 1;
        const answer = await unchanged(client, () => post(client, `10.0.0.${address}`));
        assert.equal(answer.status, status, state);
        assert.equal(answer.text, status === 500 ? '' : '{"message":"not \\"you\\"","code":"NOT_YOU"}', state);
        assert.deepEqual(answer.cookies, []);
      }
      assert.equal(await client.value('SELECT count(*)::int FROM public.called'), 0);
      assert.deepEqual(await client.column('SELECT count FROM better_auth."rateLimit"'), Object.keys(cases).map(() => 1));
      // And the count is what stops it.
      const statuses = [];
      for (let round = 0; round < 4; round += 1) {
        statuses.push((await post(client, '10.1.1.1')).status);
      }
      assert.deepEqual(statuses, [500, 500, 500, 429]);
    });
  }

  test('is not taken for what an earlier request’s hook raised', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, before_sign_up_function: 'public.hook', rate_limit_storage: 'database' });
    await hook(client, 'public.hook', `BEGIN RAISE EXCEPTION 'no'; END`);
    assert.equal((await post(client)).status, 400);
    await client.query(`CREATE FUNCTION public.breaks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'of the inside'; END $$;
      CREATE TRIGGER breaks BEFORE INSERT OR UPDATE ON better_auth."rateLimit" FOR EACH ROW EXECUTE FUNCTION public.breaks()`);
    const { status, text } = await http(client, 'GET', '/get-session');
    assert.deepEqual([status, text], [500, '']);
  });

  test('in bridge_claims_function is the answer too', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, bridge_claims_function: 'public.hook', rate_limit: 'off' });
    const cookie = await cookieOf(client, (await signUp(client)).token);
    for (const [state, { status }] of Object.entries(cases)) {
      await hook(client, 'public.hook', `BEGIN RAISE EXCEPTION 'not "you"' USING ERRCODE = '${state}', DETAIL = 'NOT_YOU'; END`);
      const answer = await bridge(client, cookie);
      assert.equal(answer.status, status, state);
      assert.equal(answer.text, status === 500 ? '' : '{"message":"not \\"you\\"","code":"NOT_YOU"}', state);
    }
    await set(client, { bridge_claims_function: 'public.nowhere' });
    assert.equal((await bridge(client, cookie)).status, 500);
    await hook(client, 'public.hook', `BEGIN RETURN '{"sub": "eve"}'; END`);
    await set(client, { bridge_claims_function: 'public.hook' });
    assert.equal((await bridge(client, cookie)).status, 500);
  });

  test('has a code only where its DETAIL looks like one', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, before_sign_up_function: 'public.hook', rate_limit: 'off' });
    for (const [detail, code] of [['', undefined], ['A_1', 'A_1'], ['Key (email)=(x) exists', undefined], ['lower', undefined]]) {
      await hook(client, 'public.hook', `BEGIN RAISE EXCEPTION 'no' USING DETAIL = '${detail}'; END`);
      const { json } = await post(client);
      assert.deepEqual(json, code ? { message: 'no', code } : { message: 'no' });
    }
  });

  /** The status of a sign-up with this hook, which begins with an exception that means 403. */
  async function statusWith(client, body) {
    await hook(client, 'public.hook', body.replace('PT403', `RAISE EXCEPTION 'no' USING ERRCODE = 'PT403'`));
    return (await post(client)).status;
  }

  const OTHER = `BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'PT404'; EXCEPTION WHEN OTHERS THEN NULL; END`;
  for (const [name, body] of Object.entries({
    'after a notice': `BEGIN RAISE NOTICE 'hello'; PT403; END`,
    'after another one that was caught': `BEGIN ${OTHER}; PT403; END`,
    'in place of another one': `BEGIN RAISE EXCEPTION 'x' USING ERRCODE = 'PT404'; EXCEPTION WHEN OTHERS THEN PT403; END`,
    'raised again': `BEGIN PT403; EXCEPTION WHEN OTHERS THEN RAISE; END`,
    'raised again after a notice': `BEGIN PT403; EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'logged'; RAISE; END`,
  })) {
    test(`keeps its SQLSTATE: ${name}`, async (t) => {
      const { client } = await configured(t, { ...SETTINGS, before_sign_up_function: 'public.hook', rate_limit: 'off' });
      assert.equal(await statusWith(client, body), 403);
    });
  }

  test('and was caught there is no failure, nor the reason of a later one', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, before_sign_up_function: 'public.hook', rate_limit: 'off' });
    const CAUGHT = 'BEGIN PT403; EXCEPTION WHEN OTHERS THEN RETURN NULL; END';
    assert.equal(await statusWith(client, CAUGHT), 200);
    await client.query('ALTER TABLE better_auth.session ADD CHECK (false) NOT VALID');
    assert.equal(await statusWith(client, CAUGHT), 422);
  });

  test('reaches the client of a SQL function with its message, notices and all', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, before_sign_up_function: 'public.hook' });
    await hook(client, 'public.hook', `BEGIN RAISE NOTICE 'hello from %', current_user; RAISE WARNING 'beware'; RAISE EXCEPTION 'no' USING DETAIL = 'WHY', HINT = 'how', ERRCODE = 'unique_violation'; END`);
    client.notices.length = 0;
    await refused(signUp(client), { code: '23505', message: 'no', detail: 'WHY', hint: 'how' });
    assert.deepEqual(client.notices.map(({ message }) => message), ['hello from postgres', 'beware']);
    await unchanged(client, () => refused(signUp(client), { code: '23505' }));
  });
});

describe('a hook', () => {
  test('that never ends is ended by statement_timeout, and that comes out of handler()', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, rate_limit: 'off' });
    const cookie = await cookieOf(client, (await signUp(client)).token);
    await hook(client, 'public.hook', `BEGIN LOOP PERFORM 1; END LOOP; END`);
    await set(client, { before_sign_up_function: 'public.hook', bridge_claims_function: 'public.hook' });
    await client.query(`SET statement_timeout = '300ms'`);
    await unchanged(client, () => refused(post(client), { code: '57014' }));
    await refused(bridge(client, cookie), { code: '57014' });
    await refused(signUp(client), { code: '57014' });
    await client.query('RESET statement_timeout');
    await set(client, { before_sign_up_function: '', bridge_claims_function: '' });
    assert.equal((await post(client)).status, 200);
  });

  test('may call back into better_auth', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const ada = await signUp(client);
    await hook(client, 'public.hook', `DECLARE token text; BEGIN
      SELECT s.token INTO token FROM better_auth.session s WHERE id = context #>> '{session,id}';
      RETURN jsonb_build_object('name', better_auth.get_session(token) #>> '{user,name}', 'sessions', jsonb_array_length(better_auth.list_sessions(token)));
    END`);
    await set(client, { bridge_claims_function: 'public.hook' });
    const claims = await client.call('verify_jwt', { token: await client.call('bridge_token', { session_token: ada.token }) });
    assert.equal(claims.name, 'Ada');
    assert.equal(claims.sessions, 1);

    // A companion for everyone who signs up, and one who is there already.
    await hook(client, 'public.hook', `BEGIN
      IF context #>> '{user,name}' <> 'Companion' THEN
        PERFORM better_auth.sign_up_email('companion.of.' || (context #>> '{user,email}'), '${PASSWORD}', 'Companion');
      END IF;
      BEGIN
        PERFORM better_auth.sign_up_email('${ada.user.email}', '${PASSWORD}', 'Again');
      EXCEPTION WHEN unique_violation THEN NULL;
      END;
    END`, 'void');
    await set(client, { after_sign_up_function: 'public.hook' });
    const grace = await signUp(client, { name: 'Grace' });
    assert.deepEqual(await client.column('SELECT name FROM better_auth."user" ORDER BY name'), ['Ada', 'Companion', 'Grace']);
    await signIn(client, `companion.of.${grace.user.email}`);

    // And handler(), whose refusal is no exception.
    await hook(client, 'public.hook', `DECLARE status text; BEGIN
      status := better_auth.handler($r$${request('POST', '/sign-in/email', { body: { email: ada.user.email, password: 'wrong password' } })}$r$) ->> 'status';
      IF context #>> '{user,name}' = 'Refused' THEN RAISE EXCEPTION 'saw %', status; END IF;
    END`, 'void');
    await set(client, { rate_limit: 'off' });
    assert.equal((await post(client)).status, 200);
    assert.deepEqual((await http(client, 'POST', '/sign-up/email', { body: { ...newUser(), name: 'Refused' } })).json, { message: 'saw 401' });
  });

  test('that calls itself without end is ended by the stack’s limit, not by a crash', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, rate_limit: 'off', bridge_claims_function: 'public.hook' });
    const { token } = await signUp(client);
    const cookie = await cookieOf(client, token);
    await hook(client, 'public.hook', `BEGIN RETURN jsonb_build_object('again', better_auth.bridge_token('${token}')); END`);
    await refused(client.call('bridge_token', { session_token: token }), { code: '54001' });
    assert.equal((await bridge(client, cookie)).status, 500);
    await hook(client, 'public.hook', `BEGIN RETURN jsonb_build_object('again', better_auth.handler($r$${request('GET', '/api/insforge-token', { base: '', cookie })}$r$)); END`);
    assert.equal(typeof (await bridge(client, cookie)).status, 'number');
    await hook(client, 'public.hook', `BEGIN RETURN '{}'; END`);
    assert.equal((await bridge(client, cookie)).status, 200);
  });

  test('is looked up for each call: replaced, of another owner, renamed, gone', async (t) => {
    const role = await server.role(t);
    const { client } = await configured(t, { ...SETTINGS, bridge_claims_function: 'public.hook' });
    const { token } = await signUp(client);
    const claims = async () => client.call('verify_jwt', { token: await client.call('bridge_token', { session_token: token }) });
    await hook(client, 'public.hook', `BEGIN RETURN jsonb_build_object('by', current_user); END`);
    assert.equal((await claims()).by, 'postgres');
    await client.query(`GRANT CREATE ON SCHEMA public TO ${ident(role)}`);
    await client.query(`ALTER FUNCTION public.hook(jsonb) OWNER TO ${ident(role)}`);
    assert.equal((await claims()).by, role);
    await client.query('ALTER FUNCTION public.hook(jsonb) RENAME TO renamed');
    await refused(claims(), { code: '55000', message: /bridge_claims_function/ });
    await set(client, { bridge_claims_function: 'public.renamed' });
    assert.equal((await claims()).by, role);
    await client.query('DROP FUNCTION public.renamed(jsonb)');
    await refused(claims(), { code: '55000', message: /bridge_claims_function/ });
    await client.query('CREATE FUNCTION public.renamed(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT NULL $$');
    assert.equal((await claims()).by, undefined);
  });

  test('is for callers who have no right on it, nor on its schema', async (t) => {
    const [app, owner] = [await server.role(t), await server.role(t, 'hook_owner')];
    const { database, client } = await configured(t, SETTINGS);
    await client.query(`CREATE SCHEMA hooks AUTHORIZATION ${ident(owner)}`);
    await hook(client, 'hooks.hook', `BEGIN RETURN jsonb_build_object('by', current_user); END`);
    await client.query(`ALTER FUNCTION hooks.hook(jsonb) OWNER TO ${ident(owner)}; REVOKE EXECUTE ON FUNCTION hooks.hook(jsonb) FROM PUBLIC`);
    await client.query(`GRANT USAGE ON SCHEMA better_auth TO ${app}; GRANT EXECUTE ON FUNCTION better_auth.bridge_token, better_auth.verify_jwt TO ${app}`);
    await configure(client, database, { bridge_claims_function: 'hooks.hook' });
    const { token } = await signUp(client);
    const caller = await database.connect({ user: app });
    const bridged = await caller.call('bridge_token', { session_token: token });
    assert.equal((await caller.call('verify_jwt', { token: bridged })).by, owner);
    assert.equal(await caller.value('SELECT current_user::text'), app);
    await refused(caller.query(`SELECT hooks.hook('{}')`), { code: '42501' });
  });

  test('of a weak role gets no further than that role, now or at the end of the transaction', async (t) => {
    const weak = await server.role(t, 'weak');
    const { client } = await configured(t, SETTINGS);
    await client.query(`CREATE SCHEMA weak AUTHORIZATION ${ident(weak)}`);
    await client.query(`CREATE TABLE public.loot (by name)`);
    await client.query(`SET ROLE ${ident(weak)}`);
    await client.query('CREATE TABLE weak.t (id int)');
    await client.query(`CREATE FUNCTION weak.steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.loot VALUES (current_user); RETURN NULL; END $$`);
    await client.query(`CREATE CONSTRAINT TRIGGER steal AFTER INSERT ON weak.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION weak.steal()`);
    const tries = {
      'reads the users': 'PERFORM 1 FROM better_auth."user"',
      'reads the secrets': 'PERFORM 1 FROM better_auth.signing_secret',
      'calls a function it may not': `PERFORM better_auth.sign_jwt('{}')`,
      'becomes the caller': 'RESET ROLE',
      'becomes the session’s user': 'SET SESSION AUTHORIZATION DEFAULT',
      'leaves a deferred trigger': 'INSERT INTO weak.t VALUES (1)',
      'leaves a temporary table': 'CREATE TEMP TABLE planted (id int)',
      'leaves a cursor': `DECLARE c refcursor := 'planted'; BEGIN OPEN c FOR SELECT 1; END`,
      'leaves a setting': `PERFORM set_config('request.jwt.claims', '{"sub":"victim"}', false)`,
      'leaves a path': `PERFORM set_config('search_path', 'weak', false)`,
    };
    for (const [name, body] of Object.entries(tries)) {
      await hook(client, 'weak.hook', `BEGIN ${body}; RETURN NULL; END`);
      await client.query('RESET ROLE');
      await set(client, { before_sign_up_function: 'weak.hook' });
      const outcome = await signUp(client).then(() => 'done', (error) => error.code);
      assert.equal(await client.value(`SELECT current_user = 'postgres'`), true, name);
      assert.equal(await client.value('SELECT count(*)::int FROM public.loot'), 0, name);
      assert.notEqual(await client.value('SHOW search_path'), 'weak', name);
      assert.ok(['', null].includes(await client.value(`SELECT current_setting('request.jwt.claims', true)`)), name);
      assert.equal(await client.value(`SELECT to_regclass('pg_temp.planted') IS NULL AND NOT EXISTS (SELECT FROM pg_cursors WHERE name = 'planted')`), true, name);
      if (!name.startsWith('leaves')) {
        assert.notEqual(outcome, 'done', name);
      }
      await client.query(`SET ROLE ${ident(weak)}`);
    }
    await client.query('RESET ROLE');
  });

  test('sees the new rows, and its own work goes with them', async (t) => {
    const { client } = await configured(t, SETTINGS);
    await client.query('CREATE TABLE public.profile (user_id text REFERENCES better_auth."user" (id) ON DELETE CASCADE, accounts int)');
    await hook(client, 'public.hook', `BEGIN INSERT INTO public.profile SELECT context #>> '{user,id}', count(*) FROM better_auth.account WHERE "userId" = context #>> '{user,id}'; RETURN NULL; END`);
    await set(client, { after_sign_up_function: 'public.hook' });
    const { user } = await signUp(client);
    assert.deepEqual((await client.query('SELECT * FROM public.profile')).rows, [{ user_id: user.id, accounts: 1 }]);
    await client.query('BEGIN');
    await signUp(client);
    await client.query('ROLLBACK');
    assert.equal(await client.value('SELECT count(*)::int FROM public.profile'), 1);
  });

  test('may change the row it is told of, and the answer says what is stored', async (t) => {
    const { client } = await configured(t, SETTINGS);
    await hook(client, 'public.hook', `BEGIN UPDATE better_auth."user" SET name = 'Renamed' WHERE id = context #>> '{user,id}'; RETURN NULL; END`);
    await set(client, { after_sign_up_function: 'public.hook' });
    const { token } = await signUp(client);
    assert.equal((await client.call('get_session', { session_token: token })).user.name, 'Renamed');
    // One that deletes the user leaves nobody with a session.
    await hook(client, 'public.hook', `BEGIN DELETE FROM better_auth."user" WHERE id = context #>> '{user,id}'; RETURN NULL; END`);
    await unchanged(client, () => refused(signUp(client), { code: '23503' }));
  });
});

test('a sign-up that is discreet answers alike where the hook lets through, and where it does not', async (t) => {
  const { client } = await configured(t, { ...SETTINGS, auto_sign_in: 'off', rate_limit: 'off' });
  const ada = await signUp(client);
  await hook(client, 'public.hook', `BEGIN IF context #>> '{user,name}' = 'Bad' THEN RAISE EXCEPTION 'bad name' USING ERRCODE = 'PT422'; END IF; RETURN NULL; END`);
  await set(client, { before_sign_up_function: 'public.hook' });
  const shape = ({ status, json, cookies }) => ({ status, keys: Object.keys(json.user ?? json), token: json.token, cookies });
  const ask = async (email, name) => shape(await http(client, 'POST', '/sign-up/email', { body: { email, password: PASSWORD, name } }));
  for (const name of ['Good', 'Bad']) {
    const before = await contents(client);
    const taken = await ask(ada.user.email, name);
    assert.deepEqual(await contents(client), before);
    assert.deepEqual(taken, await ask(freshEmail(), name));
  }
});
