// The same for plugins: each alone, and all of them together. The requests are in requests/plugins/.

import { compare } from './differential.mjs';
import GROUPS from './requests/plugins/index.mjs';

await compare(GROUPS);
