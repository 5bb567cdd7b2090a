// What the tests of organizations share: one with an owner, calls of endpoints, hooks that note what they are told.

import { set } from './http.mjs';
import { signUp } from './lib.mjs';
import { withPlugins } from './plugins.mjs';

/** Calls an endpoint as the server, or in the name of a session. */
export const api = (client, endpoint, input = {}, token = null) => client.value('SELECT better_auth.api($1, $2, $3)', [endpoint, JSON.stringify(input), token]);

/** A database with an organization, `acme`, and its owner. */
export async function withOrganization(t, settings = {}, plugins = 'organization') {
  const { database, client } = await withPlugins(t, plugins, settings);
  const id = 'acme2acme2acme2acme2acme2acme2ac';
  await client.query(`INSERT INTO better_auth.organization (id, name, slug, "createdAt") VALUES ($1, 'Acme', 'acme', now())`, [id]);
  return { database, client, id, owner: await memberIn(client, id, 'owner') };
}

/** Somebody new, in an organization. */
export async function memberIn(client, organizationId, role) {
  const signedUp = await signUp(client);
  await client.query(
    `INSERT INTO better_auth.member (id, "organizationId", "userId", role, "createdAt") VALUES (substr(md5($2), 1, 30), $1, $2, $3, now())`,
    [organizationId, signedUp.user.id, role],
  );
  return signedUp;
}

/** Runs these in connections of their own, and says how each ended: its value, or the DETAIL of its error. */
export async function together(database, works) {
  const connections = await database.connectMany(works.length);
  const ends = await Promise.allSettled(works.map((work, index) => work(connections[index])));
  return ends.map(({ status, value, reason }) => (status === 'fulfilled' ? value : (reason.detail ?? reason.code)));
}
/** Those of them that ended with an error. */
export const failed = (ends) => ends.filter((end) => typeof end === 'string');

const TABLES = ['organization', 'member', 'invitation', 'team', 'teamMember', 'session', 'mail_outbox'];

/** All rows that organizations have to do with. */
export async function rowsOf(client) {
  const there = await client.column(`SELECT relname FROM pg_class WHERE relnamespace = 'better_auth'::regnamespace AND relname = ANY ($1)`, [TABLES]);
  const parts = there.map((table) => `'${table}', (SELECT jsonb_agg(t ORDER BY id) FROM better_auth."${table}" t)`);
  return client.value(`SELECT jsonb_build_object(${parts.join(', ')})`);
}

/** Has these hooks note what they are told; gives a function that says what they were: `[{hook, told}]`. */
export async function hooks(client, names) {
  await client.query('CREATE TABLE public.heard (n int GENERATED ALWAYS AS IDENTITY, hook text, told jsonb)');
  for (const name of names) {
    await client.query(`CREATE FUNCTION public.${name}(told jsonb) RETURNS void LANGUAGE sql AS $$ INSERT INTO public.heard (hook, told) VALUES ('${name}', told) $$`);
    await set(client, { [`organization_${name}_function`]: `public.${name}` });
  }
  return async () => (await client.query('SELECT hook, told FROM public.heard ORDER BY n')).rows;
}
