// One script for all pages: the page says which it is.

import { board } from './pages/board.js';
import { forgotPassword } from './pages/forgot-password.js';
import { home } from './pages/home.js';
import { idToken } from './pages/id-token.js';
import { invitation } from './pages/invitation.js';
import { mails } from './pages/mails.js';
import { posts } from './pages/posts.js';
import { resetPassword } from './pages/reset-password.js';
import { secondFactor } from './pages/second-factor.js';
import { signIn } from './pages/sign-in.js';
import { signUp } from './pages/sign-up.js';
import { watchSession } from './session.js';

const PAGES = {
  home,
  posts,
  board,
  invitation,
  mails,
  'sign-in': signIn,
  'second-factor': secondFactor,
  'id-token': idToken,
  'sign-up': signUp,
  'forgot-password': forgotPassword,
  'reset-password': resetPassword,
  'not-found': () => watchSession(),
};

document.querySelector(`nav a[href="${location.pathname}"]`)?.setAttribute('aria-current', 'page');
PAGES[document.body.dataset.page]();
