import { client, dataOf } from '../auth.js';
import { onSubmit } from '../form.js';
import { watchSession } from '../session.js';

export function forgotPassword() {
  watchSession();
  const asked = document.querySelector('#asked');
  const ask = document.querySelector('#ask');
  onSubmit(ask, async ({ email }) => {
    await dataOf(client.requestPasswordReset({ email, redirectTo: '/reset-password' }));
    document.querySelector('#address').textContent = email;
    ask.hidden = true;
    asked.hidden = false;
    asked.querySelector('h2').focus();
  });
}
