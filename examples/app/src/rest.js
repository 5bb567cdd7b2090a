// PostgREST's tables, with the bridge token.

import { PostgrestClient } from '@supabase/postgrest-js';
import { fetchWithToken } from './token.js';

const rest = new PostgrestClient(`${location.origin}/rest`, { fetch: fetchWithToken, retry: false });

export const table = (name) => rest.from(name);
