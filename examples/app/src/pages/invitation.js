import { client, dataOf } from '../auth.js';
import { attempt } from '../messages.js';
import { keepNext, watchSession } from '../session.js';

const find = (selector) => document.querySelector(selector);

/** What the link of an invitation's mail leads to. */
export function invitation() {
  const id = new URLSearchParams(location.search).get('id') ?? '';
  let isLoaded = false;
  watchSession({
    onUser() {
      if (isLoaded) return;
      isLoaded = true;
      show(id);
    },
    onGuest: () => keepNext(`${location.pathname}${location.search}`),
  });
  const answer = (how, next) => attempt(async () => {
    await dataOf(client.organization[how]({ invitationId: id }));
    location.assign(next);
  });
  find('#accept').addEventListener('click', () => answer('acceptInvitation', '/board'));
  find('#reject').addEventListener('click', () => answer('rejectInvitation', '/'));
}

async function show(id) {
  try {
    const { inviterEmail, organizationName, role } = await dataOf(client.organization.getInvitation({ query: { id } }));
    find('#inviter').textContent = inviterEmail;
    find('#organization').textContent = organizationName;
    find('#role').textContent = role;
    find('#invitation').hidden = false;
  } catch (error) {
    find('#refused').textContent = error.message;
  } finally {
    find('#loading').hidden = true;
  }
}
