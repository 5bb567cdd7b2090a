// Better Auth's routes. All methods: it answers those that it doesn't know itself.
import { handle } from '@/lib/better-auth';

export const runtime = 'nodejs';
export const dynamic = 'force-dynamic';

export {
  handle as GET, handle as HEAD, handle as POST, handle as PUT, handle as PATCH, handle as DELETE, handle as OPTIONS,
};
