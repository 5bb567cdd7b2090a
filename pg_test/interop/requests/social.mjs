// Social sign-in, against the provider of ../provider.mjs: ../social.mjs has the steps that are no requests. `providers` of a
// group are Better Auth's options of each.

import callback from './social/callback.mjs';
import idToken from './social/id_token.mjs';
import link from './social/link.mjs';
import policies from './social/policies.mjs';
import start from './social/start.mjs';
import tokens from './social/tokens.mjs';

export default [...start, ...callback, ...policies, ...link, ...tokens, ...idToken];
