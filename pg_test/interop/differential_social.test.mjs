// The same for social sign-in. The requests are in requests/social/, and the provider is provider.mjs.

import { compare } from './differential.mjs';
import GROUPS from './requests/social.mjs';

await compare(GROUPS);
