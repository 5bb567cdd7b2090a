import { client, dataOf } from '../auth.js';
import { FieldError, onSubmit } from '../form.js';
import { goToSignIn, watchSession } from '../session.js';

export function resetPassword() {
  watchSession();
  const token = new URLSearchParams(location.search).get('token');
  history.replaceState(null, '', location.pathname); // the token stays in no history
  const choose = document.querySelector('#choose');
  const badLink = document.querySelector('#bad-link');
  const refuse = () => {
    choose.hidden = true;
    badLink.hidden = false;
    badLink.querySelector('h2').focus();
  };
  if (!token) return refuse();
  choose.hidden = false;
  choose.elements.password.focus();
  onSubmit(choose, async ({ password }) => {
    try {
      await dataOf(client.resetPassword({ newPassword: password, token }));
    } catch (error) {
      if (error.code === 'INVALID_TOKEN') return refuse();
      throw error.code?.startsWith('PASSWORD_') ? new FieldError('password', error.message) : error;
    }
    goToSignIn('new-password');
  });
}
