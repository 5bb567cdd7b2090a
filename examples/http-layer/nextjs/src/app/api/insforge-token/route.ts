// The bridge route: the cookie of a live session for a token that InsForge takes.
import { handle } from '@/lib/better-auth';

export const runtime = 'nodejs';
export const dynamic = 'force-dynamic';

export {
  handle as GET, handle as HEAD, handle as POST, handle as PUT, handle as PATCH, handle as DELETE, handle as OPTIONS,
};
