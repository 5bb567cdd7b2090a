// An organization's board, and who is in it. Nothing is hidden from those who may not do it: the page lets everybody
// try, and shows what the database says to it.

import { client, dataOf, Failure } from '../auth.js';
import { showTime } from '../dates.js';
import { onSubmit } from '../form.js';
import { attempt, say } from '../messages.js';
import { table } from '../rest.js';
import { goToSignIn, watchSession } from '../session.js';

const { organization } = client;
const notes = () => table('board');
const COLUMNS = 'id, organization_id, user_id, body, is_pinned, created_at';
const ROLES = { member: 'member', admin: 'administrator', owner: 'owner' };

const find = (selector) => document.querySelector(selector);
const template = (id) => find(`#${id}`).content.firstElementChild.cloneNode(true);

let me;
let active; // the id of the organization that is shown; null for none

export function board() {
  watchSession({
    onUser({ user, session }) {
      me = user;
      const now = session.activeOrganizationId ?? null;
      if (active === now) return;
      active = now;
      showAll();
    },
    onGuest: () => goToSignIn('needed'),
  });
  find('#retry').addEventListener('click', showAll);
  find('#active').addEventListener('change', (event) => attempt(() => work(event.target)));
  find('#role').replaceChildren(...rolesOf('member'));
  onSubmit(find('#new-organization'), create);
  onSubmit(find('#new-note'), write);
  onSubmit(find('#invite'), invite);
}

// ── What is shown ────────────────────────────────────────────────────────────────────────────────

async function showAll() {
  const [shown, loading, failed] = [find('#organization'), find('#loading'), find('#failed')];
  shown.setAttribute('aria-busy', 'true');
  failed.hidden = true;
  loading.hidden = false;
  const asked = active;
  try {
    const [all, full, rows] = await Promise.all([
      dataOf(organization.list()),
      asked && dataOf(organization.getFullOrganization({ query: { organizationId: asked } })),
      asked && dataOf(notes().select(COLUMNS).eq('organization_id', asked).order('is_pinned', { ascending: false }).order('id', { ascending: false })),
    ]);
    if (asked !== active) return; // another one by now, which is on its way
    find('#active').replaceChildren(option('', 'no organization'), ...all.map(({ id, name }) => option(id, name)));
    find('#active').value = asked ?? '';
    find('#board-heading').textContent = full ? `The board of ${full.name}` : 'Board';
    shown.hidden = !full;
    if (full) showOrganization(full, rows);
  } catch (error) {
    failed.hidden = false;
    failed.querySelector('[role=alert]').textContent = error.message;
  } finally {
    loading.hidden = true;
    shown.setAttribute('aria-busy', 'false');
  }
}

function showOrganization({ members, invitations }, rows) {
  const names = new Map(members.map(({ userId, user }) => [userId, user.name]));
  find('#notes').replaceChildren(...rows.map((note) => noteOf(note, names)));
  find('#empty').hidden = rows.length > 0;
  find('#members').replaceChildren(...members.map(memberOf));
  find('#invitations').replaceChildren(...invitations.filter(({ status }) => status === 'pending').map(invitationOf));
}

function noteOf(note, names) {
  const item = template('note');
  const [pin, remove] = ['.pin', '.delete'].map((selector) => item.querySelector(selector));
  item.querySelector('.author').textContent = names.get(note.user_id) ?? 'Somebody who has left';
  showTime(item.querySelector('time'), note.created_at);
  item.querySelector('.body').textContent = note.body;
  item.querySelector('.badge').hidden = !note.is_pinned;
  pin.firstElementChild.textContent = note.is_pinned ? 'Not on top' : 'Keep on top';
  for (const what of item.querySelectorAll('.visually-hidden')) what.textContent = ` ${nameOf(note)}`;
  pin.addEventListener('click', () => attempt(() => change(note)));
  remove.addEventListener('click', () => attempt(() => drop(note)));
  return item;
}

function memberOf({ id, role, user }) {
  const item = template('member');
  const [select, button] = ['select', 'button'].map((name) => item.querySelector(name));
  const isOwn = user.id === me.id;
  item.querySelector('.name').textContent = user.name;
  item.querySelector('.details').textContent = user.email;
  item.querySelector('.badge').hidden = !isOwn;
  select.setAttribute('aria-label', `Role of ${user.name}`);
  select.replaceChildren(...rolesOf(role));
  select.addEventListener('change', () => attempt(() => giveRole(id, user, select, role)));
  button.firstElementChild.textContent = isOwn ? 'Leave' : 'Remove';
  button.lastElementChild.textContent = isOwn ? ' the organization' : ` ${user.name}`;
  button.addEventListener('click', () => attempt(() => (isOwn ? leave() : remove(id, user))));
  return item;
}

function invitationOf({ id, email, role }) {
  const item = template('invitation');
  item.querySelector('.email').textContent = email;
  item.querySelector('.details').textContent = `invited as ${ROLES[role] ?? role}`;
  item.querySelector('.visually-hidden').textContent = ` the invitation of ${email}`;
  item.querySelector('button').addEventListener('click', () => attempt(async () => {
    await dataOf(organization.cancelInvitation({ invitationId: id }));
    await showAll();
    say(`The invitation of ${email} was taken back.`);
  }));
  return item;
}

function option(value, text) {
  return Object.assign(document.createElement('option'), { value, textContent: text });
}

/** The roles to choose from; `own` is the one that somebody has, which may be any, or several. */
function rolesOf(own) {
  const all = own in ROLES ? ROLES : { [own]: own, ...ROLES };
  return Object.entries(all).map(([role, name]) => Object.assign(option(role, name), { selected: role === own }));
}

/** The note as messages and buttons have it. */
function nameOf({ body }) {
  const characters = [...body];
  return `“${characters.length > 40 ? `${characters.slice(0, 39).join('')}…` : body}”`;
}

// ── What is done ─────────────────────────────────────────────────────────────────────────────────

/** Goes over to another organization, or to none. The session says so to this page, as to the user's other ones. */
async function work(select) {
  try {
    await dataOf(organization.setActive({ organizationId: select.value || null }));
  } catch (error) {
    select.value = active ?? '';
    throw error;
  }
}

async function create({ name }) {
  await dataOf(organization.create({ name, slug: slugOf(name) }));
  find('#new-organization').reset();
  say(`${name} was created.`);
}

/** Two of one name are told apart by their ends. */
function slugOf(name) {
  const words = name.toLowerCase().normalize('NFKD').match(/[a-z0-9]+/g) ?? [];
  return [...words, crypto.randomUUID().slice(0, 8)].join('-');
}

async function write({ body, isPinned }) {
  const refused = 'The database refused it: only owners and administrators keep notes on top.';
  await dataOfPolicy(notes().insert({ body, is_pinned: isPinned }).select('id'), refused);
  find('#new-note').reset();
  await showAll();
  find('#body').focus();
  say('Your note is on the board.');
}

async function change({ id, is_pinned }) {
  const refused = 'The database refused it: only owners and administrators keep notes on top.';
  await dataOfPolicy(notes().update({ is_pinned: !is_pinned }).eq('id', id).select('id'), refused);
  await showAll();
}

async function drop(note) {
  const refused = 'The database refused it: only who wrote a note, owners and administrators delete it.';
  await dataOfPolicy(notes().delete().eq('id', note.id).select('id'), refused);
  await showAll();
  find('#board-heading').focus();
  say(`${nameOf(note)} was deleted.`);
}

/** What PostgREST answers, which a policy may have refused: by an error, or by finding no row. */
async function dataOfPolicy(asked, refused) {
  const rows = await dataOf(asked).catch((error) => {
    throw error.code === '42501' ? new Failure(refused, error.code) : error;
  });
  if (rows.length === 0) throw new Failure(refused);
}

async function invite({ email, role }) {
  await dataOf(organization.inviteMember({ email, role, organizationId: active }));
  find('#invite').reset();
  await showAll();
  say(`${email} is invited.`);
}

async function giveRole(memberId, user, select, before) {
  try {
    await dataOf(organization.updateMemberRole({ memberId, role: select.value, organizationId: active }));
  } catch (error) {
    select.value = before;
    throw error;
  }
  say(`${user.name} is now ${ROLES[select.value]}.`);
}

async function remove(memberId, user) {
  await dataOf(organization.removeMember({ memberIdOrEmail: memberId, organizationId: active }));
  await showAll();
  find('#members-heading').focus();
  say(`${user.name} was removed.`);
}

async function leave() {
  await dataOf(organization.leave({ organizationId: active }));
  say('You have left the organization.');
}
