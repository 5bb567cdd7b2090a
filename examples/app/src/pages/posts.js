import { dataOf, Failure } from '../auth.js';
import { showTime } from '../dates.js';
import { onSubmit } from '../form.js';
import { attempt, say } from '../messages.js';
import { table as tableOf } from '../rest.js';
import { goToSignIn, watchSession } from '../session.js';

const table = () => tableOf('posts');
const COLUMNS = 'id, title, body, created_at';

const find = (selector) => document.querySelector(selector);
const template = (id) => find(`#${id}`).content.firstElementChild.cloneNode(true);

export function posts() {
  let isLoaded = false;
  const load = () => {
    if (isLoaded) return;
    isLoaded = true;
    showPosts();
  };
  watchSession({ onUser: load, onGuest: () => goToSignIn('needed') });
  find('#retry').addEventListener('click', showPosts);
  const form = find('#new-post');
  onSubmit(form, async ({ title, body }) => {
    const [post] = await dataOf(table().insert({ title, body }).select(COLUMNS));
    list().prepend(itemOf(post));
    showWhetherEmpty();
    form.reset();
    form.elements.title.focus();
    say(`${nameOf(post)} was added.`);
  });
}

const list = () => find('#posts ul');

/** The title as messages and buttons have it. */
function nameOf({ title }) {
  const characters = [...title];
  return `“${characters.length > 60 ? `${characters.slice(0, 59).join('')}…` : title}”`;
}

function showWhetherEmpty() {
  find('#empty').hidden = list().children.length > 0;
}

async function showPosts() {
  const [section, loading, failed] = [find('#posts'), find('#loading'), find('#failed')];
  section.setAttribute('aria-busy', 'true');
  failed.hidden = true;
  loading.hidden = false;
  try {
    const rows = await dataOf(table().select(COLUMNS).order('id', { ascending: false }));
    list().replaceChildren(...rows.map(itemOf));
    showWhetherEmpty();
  } catch (error) {
    failed.hidden = false;
    failed.querySelector('[role=alert]').textContent = error.message;
  } finally {
    loading.hidden = true;
    section.setAttribute('aria-busy', 'false');
  }
}

function itemOf(post) {
  const item = template('post');
  item.querySelector('h2').textContent = post.title;
  showTime(item.querySelector('time'), post.created_at);
  item.querySelector('.body').textContent = post.body;
  item.querySelector('.body').hidden = post.body === '';
  for (const what of item.querySelectorAll('.visually-hidden')) what.textContent = ` ${nameOf(post)}`;
  item.querySelector('.edit').addEventListener('click', () => edit(item, post));
  item.querySelector('.delete').addEventListener('click', () => askAndDelete(item, post));
  return item;
}

function edit(item, post) {
  const form = template('editor');
  form.setAttribute('aria-label', `Edit ${nameOf(post)}`);
  for (const field of form.querySelectorAll('.field')) {
    const input = field.querySelector('input, textarea');
    const error = field.querySelector('.error');
    input.id = `${input.name}-${post.id}`;
    error.id = `${input.id}-error`;
    field.querySelector('label').htmlFor = input.id;
    input.setAttribute('aria-describedby', error.id);
    input.value = post[input.name];
  }
  const article = item.querySelector('article');
  const close = (now) => {
    const next = itemOf(now);
    item.replaceWith(next);
    next.querySelector('.edit').focus();
  };
  form.querySelector('.cancel').addEventListener('click', () => close(post));
  form.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(post); });
  onSubmit(form, async ({ title, body }) => {
    const [now] = await dataOf(table().update({ title, body }).eq('id', post.id).select(COLUMNS));
    if (!now) throw new Failure('This post is gone: it was deleted meanwhile.');
    close(now);
    say(`${nameOf(now)} was saved.`);
  });
  article.replaceWith(form);
  form.elements.title.focus();
}

async function askAndDelete(item, post) {
  if (await isSure(post)) attempt(() => remove(item, post));
}

async function isSure(post) {
  // One for each question: that it was closed is told later, when the next one may be open already.
  const dialog = template('sure');
  dialog.querySelector('#delete-text').textContent = `${nameOf(post)} will be gone for good.`;
  document.body.append(dialog);
  dialog.showModal(); // on closing it, the focus returns to the button
  await new Promise((resolve) => dialog.addEventListener('close', resolve));
  dialog.remove();
  return dialog.returnValue === 'delete';
}

async function remove(item, post) {
  await dataOf(table().delete().eq('id', post.id));
  const neighbour = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  showWhetherEmpty();
  (neighbour?.querySelector('h2') ?? find('#posts-heading')).focus();
  say(`${nameOf(post)} was deleted.`);
}
