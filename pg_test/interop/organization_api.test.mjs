// What HTTP doesn't reach of organizations: calls of the server's own, and what hooks are told, beside the real one's
// `auth.api` and `organizationHooks`.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { organization } from 'better-auth/plugins';
import { BASE_URL, PASSWORD, createExtensionDatabase, createRealDatabase, realAuth, signCookie } from './lib.mjs';

const BEFORE = ['CreateOrganization', 'UpdateOrganization', 'DeleteOrganization', 'AddMember', 'RemoveMember', 'UpdateMemberRole', 'CreateTeam'].map((name) => `before${name}`);
const HOOKS = [...BEFORE, ...BEFORE.map((name) => name.replace('before', 'after'))];
const snake = (name) => name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
const PEOPLE = ['ada', 'bob', 'eve'];
const emailOf = (name) => `${name}@example.com`;

/** The real one: `{call, told}`. */
async function theirs({ says = {}, ...more }) {
  const told = [];
  const hook = (name) => async (data) => {
    told.push([name, JSON.parse(JSON.stringify(data))]);
    if (says[name] === 'no') throw new Error('no');
    return says[name] && { data: says[name] };
  };
  const options = { plugins: [organization({ teams: { enabled: true }, organizationHooks: Object.fromEntries(HOOKS.map((name) => [name, hook(name)])), ...more })] };
  const { auth } = realAuth(await createRealDatabase(options), options);
  return {
    told,
    async call(endpoint, input, token) {
      const headers = token && new Headers({ origin: BASE_URL, cookie: `better-auth.session_token=${signCookie(token)}` });
      try {
        return JSON.parse(JSON.stringify((await auth.api[endpoint]({ ...input, ...(headers && { headers }) })) ?? null));
      } catch (error) {
        return { refused: error.body?.code ?? error.body?.message ?? 'UNAUTHORIZED' };
      }
    },
  };
}

/** Ours, likewise. */
async function ours({ says = {}, settings = {} }) {
  const database = await createExtensionDatabase();
  const functions = Object.fromEntries(HOOKS.map((name) => [`organization_${snake(name)}_function`, `public.${snake(name)}`]));
  await database.configure({ plugins: 'organization', organization_teams: 'on', base_url: BASE_URL, ...functions, ...settings });
  await database.sql('SELECT better_auth.migrate(); CREATE TABLE public.told (n serial, name text, told jsonb)');
  for (const name of HOOKS) {
    const answer = says[name] ? `'${JSON.stringify({ data: says[name] })}'` : 'NULL';
    await database.sql(`CREATE FUNCTION public.${snake(name)}(told jsonb) RETURNS jsonb LANGUAGE sql AS $$ INSERT INTO public.told (name, told) VALUES ('${name}', told); SELECT ${answer}::jsonb $$`);
  }
  const told = [];
  return {
    told,
    async call(endpoint, input, token = null) {
      try {
        return await database.value('SELECT better_auth.api($1, $2, $3)', [endpoint, JSON.stringify(input), token]);
      } catch (error) {
        return { refused: error.detail || error.message.toUpperCase() };
      } finally {
        const rows = await database.sql('WITH gone AS (DELETE FROM public.told RETURNING *) SELECT name, told FROM gone ORDER BY n');
        told.push(...rows.map(({ name, told }) => [name, told]));
      }
    },
  };
}

/** With ids by their order, without times, and with the members of objects in one order. */
function shown(value) {
  const ids = new Map();
  const sorted = (value) =>
    Array.isArray(value) ? value.map(sorted) : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).sort().map(([name, value]) => [name, sorted(value)])) : value;
  return JSON.parse(
    JSON.stringify(sorted(value))
      .replace(/\b[A-Za-z0-9]{32}\b/g, (id) => `<${ids.get(id) ?? ids.set(id, ids.size + 1).size}>`)
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>'),
  );
}

/** Does the same on both sides; what each answered, and its hooks were told. */
async function compare(work, configuration = {}) {
  const run = async (side) => {
    const people = {};
    for (const name of PEOPLE) {
      const { user, token } = await side.call('signUpEmail', { body: { email: emailOf(name), password: PASSWORD, name } });
      people[name] = { id: user.id, token };
    }
    const answers = [];
    const call = async (endpoint, body, by) => {
      const answer = await side.call(endpoint, { body }, by?.token);
      answers.push([endpoint, answer]);
      return answer;
    };
    await work({ call, ...people });
    return shown({ answers, told: side.told });
  };
  const { settings, ...options } = configuration;
  const [wanted, got] = [await run(await theirs(options)), await run(await ours({ says: options.says, settings }))];
  assert.deepEqual(got, wanted);
  return got;
}

const NEW = { name: 'Acme', slug: 'acme' };

describe('calls of the server’s own', () => {
  test('createOrganization', async () => {
    const { answers } = await compare(async ({ call, ada, bob }) => {
      await call('createOrganization', { ...NEW, userId: ada.id, metadata: { a: 1 } });
      await call('createOrganization', { ...NEW, userId: bob.id });
      await call('createOrganization', { ...NEW, slug: 'b' });
      await call('createOrganization', { ...NEW, slug: 'b', userId: 'nobody' });
      await call('createOrganization', { ...NEW, slug: 'b', userId: bob.id }, ada);
      await call('checkOrganizationSlug', { slug: 'acme' });
      await call('checkOrganizationSlug', { slug: 'free' });
    });
    assert.deepEqual(answers.map(([, { refused }]) => refused), [undefined, 'ORGANIZATION_ALREADY_EXISTS', 'UNAUTHORIZED', 'UNAUTHORIZED', undefined, 'ORGANIZATION_SLUG_ALREADY_TAKEN', undefined]);
  });

  test('createOrganization where users may not', () =>
    compare(
      async ({ call, ada }) => {
        await call('createOrganization', NEW, ada);
        await call('createOrganization', { ...NEW, userId: ada.id });
      },
      { allowUserToCreateOrganization: false, settings: { organization_allow_user_to_create_organization: 'off' } },
    ));

  test('addMember', async () => {
    const { answers } = await compare(
      async ({ call, ada, bob, eve }) => {
        const { id: organizationId } = await call('createOrganization', NEW, ada);
        await call('addMember', { organizationId, userId: ada.id, role: 'member' });
        await call('addMember', { organizationId, userId: 'nobody', role: 'member' });
        await call('addMember', { userId: bob.id, role: 'member' });
        await call('addMember', { organizationId: 'nothing', userId: bob.id, role: 'member' });
        await call('addMember', { organizationId, userId: bob.id, role: 'member', teamId: 'nothing' });
        await call('addMember', { organizationId, userId: bob.id, role: [' admin', 'x,y', ''] });
        await call('addMember', { userId: eve.id, role: 'member' }, ada);
      },
      { membershipLimit: 2, settings: { organization_membership_limit: 2 } },
    );
    assert.deepEqual(answers.slice(1).map(([, { refused, role }]) => refused ?? role), [
      'USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION', 'USER_NOT_FOUND', 'NO_ACTIVE_ORGANIZATION', 'ORGANIZATION_NOT_FOUND', 'TEAM_NOT_FOUND', 'admin,x,y', 'ORGANIZATION_MEMBERSHIP_LIMIT_REACHED',
    ]);
  });
});

describe('hooks', () => {
  /** All that organizations and members go through. */
  const whole = async ({ call, ada, bob, eve }) => {
    const made = await call('createOrganization', { ...NEW, logo: 'l', metadata: { a: [1] } }, ada);
    const { id: organizationId } = made;
    const added = await call('addMember', { organizationId, userId: bob.id, role: ['member', 'admin'] });
    await call('addMember', { organizationId, userId: eve.id, role: 'member' });
    await call('updateMemberRole', { organizationId, memberId: added.id, role: ['admin', 'member'] }, ada);
    await call('updateOrganization', { organizationId, data: { name: 'Renamed', metadata: { b: 2 } } }, bob);
    await call('removeMember', { organizationId, memberIdOrEmail: added.id }, ada);
    await call('removeMember', { organizationId, memberIdOrEmail: emailOf('eve') }, ada);
    await call('addMember', { organizationId, userId: bob.id, role: 'member' });
    await call('leaveOrganization', { organizationId }, bob);
    await call('deleteOrganization', { organizationId }, ada);
  };

  test('are told what the real one’s are', async () => {
    const { answers, told } = await compare(whole);
    assert.deepEqual(answers.filter(([, { refused }]) => refused), []);
    assert.deepEqual([...new Set(told.map(([name]) => name))].sort(), [...HOOKS].sort());
  });

  test('change what the real one’s change', async () => {
    const { answers } = await compare(whole, {
      says: {
        beforeCreateOrganization: { name: 'Other', slug: 'other', logo: 'o', metadata: { c: 3 } },
        beforeAddMember: { role: 'owner' },
        beforeCreateTeam: { name: 'First' },
        beforeUpdateOrganization: { name: 'Third', logo: null },
        beforeUpdateMemberRole: { role: 'owner,editor' },
      },
    });
    assert.deepEqual(answers.filter(([, { refused }]) => refused), []);
    assert.deepEqual([answers[0][1].name, answers[1][1].role, answers[3][1].role, answers[4][1].name], ['Other', 'owner', 'owner,editor', 'Third']);
  });

  test('that answer without a role leave the one that was asked for', () => compare(whole, { says: { beforeUpdateMemberRole: { role: '' }, beforeUpdateOrganization: {} } }));
});
